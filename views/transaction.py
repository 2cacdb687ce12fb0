"""One transaction per writing request; a form that is submitted twice takes effect once.

A view changes rows through rules and returns a response, which determines the outcome: a redirect is committed, anything
else is rolled back. Views do not commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any

from flask import current_app, g, redirect, request, session, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.db import db
from models.operations import form_key
from models.read_only import make_read_only
from models.scope import all_tenants
from views.confirmation import confirmation_page, needs_confirmation
from views.read_sessions import SAFE_METHODS, remember_commit, repeated_on_primary

KEY_FIELD = "form_key"
"""The hidden field of each form that contains the one-time key of its page."""

_NOT_CONTENT = frozenset({KEY_FIELD, "csrf_token"})
_MAX_KEY_BYTES = 96


def transactional(view: Callable[..., Any]) -> Callable[..., Any]:
    """Run a view in one transaction.

    A form that is submitted again, concurrently or later, gets the same response as the first time and changes nothing.
    """

    @wraps(view)
    def run(*args: Any, **kwargs: Any) -> Any:
        if request.method in SAFE_METHODS:
            return repeated_on_primary(lambda: view(*args, **kwargs))
        if needs_confirmation(view):
            return confirmation_page()
        browser = dict(session)
        claim = _claim()
        if claim is not None and claim.first is not None:
            db.session.rollback()
            return _same_answer(claim.first)
        answer = current_app.make_response(view(*args, **kwargs))
        if 300 <= answer.status_code < 400 or g.get("commit_despite_error_status"):
            if claim is not None:
                _note_answer(claim, answer, browser)
            _commit(browser)
            remember_commit(answer)
        else:
            db.session.rollback()
        return answer

    return run


def commit_despite_error_status(*, repeated: str | None = None) -> None:
    """Commit this request's changes although its response is not a redirect, for instance to count a wrong password.

    :param repeated: where the same form leads when it is submitted again; the landing page by default.
    """
    g.commit_despite_error_status = True
    g.page_of_repeated = repeated


def commit_with_file(page: str) -> None:
    """Commit this request's changes although its response is a file, which cannot be repeated.

    :param page: where the same form leads when it is submitted again.
    """
    commit_despite_error_status(repeated=page)


def cross_tenant_session(reason: str) -> Session:
    """Return a cross-tenant session that is committed together with the request's own session.

    A request has a single session for each reason: two of them would wait for each other's locks.

    :param reason: why this view may cross tenants, for the log and for readers of the code.
    """
    if "cross_tenant_sessions" not in g:
        g.cross_tenant_sessions = {}
        g.cross_tenant_stack = ExitStack()
    opened: dict[str, Session] = g.cross_tenant_sessions
    if reason not in opened:
        opened[reason] = g.cross_tenant_stack.enter_context(all_tenants(reason))
        if request.method in SAFE_METHODS:
            make_read_only(opened[reason])
    return opened[reason]


def close_cross_tenant_sessions(_error: BaseException | None = None) -> None:
    """Close the sessions of ``cross_tenant_session`` at the end of the request and roll back uncommitted changes."""
    if (stack := g.pop("cross_tenant_stack", None)) is not None:
        stack.close()


def _commit(browser: dict[str, Any]) -> None:
    """Commit; if that fails, restore the browser's session to its state before the request."""
    try:
        for each in g.get("cross_tenant_sessions", {}).values():
            each.commit()
        db.session.commit()
    except BaseException:
        session.clear()
        session.update(browser)
        raise


def _claim() -> form_key.Claim | None:
    """Claim the submitted form for this request; return None if it has no valid key or the user is not signed in."""
    key = request.form.get(KEY_FIELD, "") if request.mimetype != "application/json" else ""
    if not key or len(key) > _MAX_KEY_BYTES or not current_user.is_authenticated:
        return None
    content = sorted(item for item in request.form.items(multi=True) if item[0] not in _NOT_CONTENT)
    digest = hashlib.sha256(repr((key, request.full_path, content)).encode()).hexdigest()
    return form_key.claim(db.session(), current_user.id, digest)


def _note_answer(claim: form_key.Claim, answer: Response, browser: dict[str, Any]) -> None:
    told = session.get("_flashes", [])[len(browser.get("_flashes", [])) :]
    form_key.record_answer(
        db.session(),
        claim,
        answer.location or g.get("page_of_repeated"),
        [(category, str(text)) for category, text in told],
    )


def _same_answer(first: form_key.Answer) -> Response:
    session["_flashes"] = [*session.get("_flashes", []), *((category, text) for category, text in first.messages)]
    return redirect(first.location or url_for("HomeView.index"))
