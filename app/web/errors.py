"""Error pages: what happened, what to do, and the request ID for support."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any

from flask import Flask, current_app, g, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug.exceptions import Conflict, HTTPException, InternalServerError, NotFound, ServiceUnavailable

from app.web.landing import landing
from models.accounts.identity import Identity
from models.db import db
from models.errors import ALERTS_UNAVAILABLE, Gone
from views import form_draft
from views.api.problem import problem
from views.data_interface import log_database_error, sqlstate
from views.languages import chosen_language

# Flask-WTF's error messages for forms sent over HTTPS without a Referer or from another host.
_NO_REFERRER = "The referrer header is missing."
_OTHER_REFERRER = "The referrer does not match the host."

_ALERTS_RETRY_AFTER = 30
"""Seconds after which a UTM repeats a call while the database of the alerts is unavailable."""
_RETRY_AFTER = 10
"""Seconds after which a client is asked to try again while the database is unavailable."""

# The classes of SQLSTATE for a lost connection, for too many connections, and for a server that stops or starts.
_UNAVAILABLE = ("08", "53", "57P")

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Register the error handlers. They render the portal's own pages, or JSON for the APIs."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(PoolTimeoutError, _database_error)
    app.register_error_handler(Gone, _gone)
    app.register_error_handler(ObjectDeletedError, _gone)
    app.register_error_handler(StaleDataError, _stale)


def tenant_switched(made_in: str, identity: Identity) -> Any:
    """Render the 409 page for a form of another tenant, with a way to switch back. Nothing has been saved.

    :param made_in: the ID of the form's tenant. Nothing else about that tenant is shown.
    """
    page = render_template(
        "errors/tenant_switched.html",
        made_in=made_in,
        tenant=identity.tenant,
        switch_url=url_for("TenantView.select") if identity.elevated or identity.tenant_count > 1 else None,
        home_url=url_for("HomeView.index"),
    )
    return page, 409


def _http_error(error: HTTPException) -> Any:
    code = error.code or 500
    if code < 400:
        return error
    if code >= 500 and (original := getattr(error, "original_exception", None)) is not None:
        log.error("unhandled error", exc_info=original)
        _roll_back()
    headers = dict(error.get_response().headers)
    limit = current_app.extensions["appbuilder"].sm.limiter.current_limit
    if code == 429 and limit is not None:
        headers["Retry-After"] = str(max(1, int(limit.reset_at - time.time())))
    # Views of the device API describe what is wrong with a request.
    detail = error.description if code == 400 and error.description != type(error).description else None
    return _answer(code, headers, detail if request.path.startswith("/api/device/") else None)


def _csrf_error(error: CSRFError) -> Any:
    """Answer 400 with the reason why a form was refused: a proxy or browser setting, or an expired page."""
    log.warning("form refused", extra={"reason": error.description, "host": request.host})
    if error.description == _NO_REFERRER:
        told = gettext(
            "Your browser did not send the Referer header, which says which page the form was on."
            " Allow it for this site, then reload the page."
        )
    elif error.description == _OTHER_REFERRER:
        told = gettext(
            "The URL in your browser does not match the one that the portal received. Tell your administrator: the reverse"
            " proxy must forward the original host and port."
        )
    elif (draft_id := form_draft.keep()) is not None:
        # The user has signed in again in another window.
        return redirect(url_for("RestoredFormView.show", draft=draft_id))
    else:
        told = gettext("This page has expired. Go back, reload it and try again.")
    return _answer(400, {}, told)


def _database_error(error: SQLAlchemyError) -> Any:
    _roll_back()
    log_database_error(error)
    if getattr(error, ALERTS_UNAVAILABLE, False):
        return _alerts_unavailable()
    return _http_error(ServiceUnavailable(retry_after=_RETRY_AFTER) if _unavailable(error) else InternalServerError())


def _alerts_unavailable() -> Any:
    """Answer 503 in the usual layout: everything but the alerts works."""
    return _answer(
        503,
        {"Retry-After": str(_ALERTS_RETRY_AFTER)},
        gettext("The database of the alerts cannot be reached. Everything else works. Try again in a few minutes."),
        title=gettext("Alerts are not available at the moment"),
    )


def _unavailable(error: SQLAlchemyError) -> bool:
    """Return whether the database cannot be reached, or has no free connection: it may work again in a moment."""
    if isinstance(error, PoolTimeoutError):
        return True
    # Errors of a connection have no SQLSTATE: the server did not send them.
    return isinstance(error, OperationalError | InterfaceError) and (sqlstate(error) or "08").startswith(_UNAVAILABLE)


def _gone(_error: Gone | ObjectDeletedError) -> Any:
    """Answer 404 when the row of this request was deleted concurrently."""
    db.session.rollback()
    return _http_error(NotFound())


def _stale(_error: StaleDataError) -> Any:
    """Answer 409 when a row was changed concurrently by another user or a double click."""
    db.session.rollback()
    return _http_error(Conflict())


def _wait(seconds: str | None) -> str:
    """Return how long to wait before the next try.

    :param seconds: the header ``Retry-After``; None if the time is not known.
    """
    minutes = -(-int(seconds or 0) // 60)
    if minutes <= 1:
        return gettext("Wait a minute, then try again.")
    return gettext("Wait %(minutes)s minutes, then try again.", minutes=minutes)


def _answer(code: int, headers: Any, message: str | None = None, *, title: str | None = None) -> Any:
    titles = {
        400: gettext("Invalid request"),
        403: gettext("You do not have permission to do this"),
        404: gettext("Page not found"),
        405: gettext("Invalid request"),
        409: gettext("Conflict with another change"),
        413: gettext("Request too large"),
        414: gettext("Invalid request"),
        429: gettext("Too many requests"),
        503: gettext("Temporarily unavailable"),
    }
    messages = {
        400: gettext("Go back, check what you entered and try again."),
        403: gettext("Your role does not allow it. Ask your administrator if you need it."),
        404: gettext("The URL is wrong, or the page has been removed."),
        405: gettext("This URL does not accept this kind of request."),
        409: gettext(
            "The data has just been changed or deleted. Your changes have not been saved. Reload the page and check it."
        ),
        413: gettext("Send less data at once."),
        414: gettext("The URL is too long. Use shorter search conditions."),
        429: _wait(headers.get("Retry-After")),
        503: _wait(headers.get("Retry-After")),
    }
    inside = code < 500 or title is not None
    title = title or titles.get(code, gettext("Something went wrong"))
    message = message or messages.get(
        code,
        gettext("The error has been logged. Try again, and give support the request ID below if it happens again."),
    )
    kept = [(name, value) for name, value in headers.items() if name in {"Allow", "Retry-After"}]
    if request.path.startswith("/api/"):
        return problem(code, title, detail=message), code, kept
    told = {"code": code, "title": title, "message": message, "request_id": g.get("request_id")}
    # Signed-in users keep the menu and can sign out. After server errors, the simpler page is less likely to fail too.
    if inside and g.get("identity") is not None:
        return render_template("errors/inside.html", home_url=landing(), **told), code, kept
    return _page_outside(told), code, kept


def _page_outside(told: dict[str, Any]) -> str:
    """Return an error page that needs no database query, not even the one for the signed-in user."""
    return current_app.jinja_env.get_template("errors/error.html").render(
        **told, home_url=f"{request.root_path}/", portal={"language": chosen_language()}
    )


def _roll_back() -> None:
    """Roll back the request's changes. If the database is unavailable, nothing is left to roll back."""
    with suppress(SQLAlchemyError):
        db.session.rollback()
