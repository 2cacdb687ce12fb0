"""Deny by default: every endpoint that a register does not declare public needs a user, and most need a tenant."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import quote

from flask import Flask, abort, g, redirect, request, session, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.exceptions import MethodNotAllowed

from app.web import errors
from app.web.registers import register
from models import scope
from models.db import db
from models.read_only import make_read_only
from views import form_draft, staff_entry
from views.accounts.required_factor import keep_next, lacks_second_factor
from views.confirmation import MADE_IN
from views.flashes import flash_warning
from views.read_sessions import SAFE_METHODS
from views.redirects import referrer_path, requested_path

MAX_URL_BYTES = 8_000
"""The maximum length of path and query string. Three search texts of maximum length come close to it, and the web
server accepts little more."""

MAX_LARGE_UPLOAD_BYTES = 102 * 1024 * 1024
"""The maximum length of a form with the files of a ticket: ten of 10 MB, and 2 MB for its texts and the headers of its parts."""

_MAX_NEXT_BYTES = 4_000
"""The maximum length of the URL to return to after sign-in, which is percent-encoded again as a query parameter."""


def init_app(app: Flask) -> None:
    """Register the checks that run before every request."""
    app.before_request(_refuse_invalid_input)
    app.before_request(_enter_tenant)
    app.before_request(_refuse_long_url)
    app.jinja_env.globals["made_in"] = _made_in


def _refuse_invalid_input() -> None:
    """Answer 400 to NUL characters, which the database cannot store, and to files where no form accepts them."""
    if "\0" in request.path or any("\0" in part for pair in request.args.items(multi=True) for part in pair):
        abort(400)
    if request.method in {"GET", "HEAD"}:
        return
    # The views of the APIs read the body, with limits of their own, so it must not be parsed as a form here.
    if (request.endpoint or "").startswith(("DeviceApi.", "CustomerApi.")):
        return
    if request.endpoint in register().large_uploads:
        # Its form is parsed only for a signed-in user (_enter_tenant), because it may be large.
        return
    _refuse_invalid_form()


def _refuse_invalid_form() -> None:
    if request.mimetype == "application/x-www-form-urlencoded":
        # Without authentication, forms are parsed completely: 16 MiB of "a&" would be eight million fields.
        request.max_content_length = request.max_form_memory_size
    # WTForms would treat an uploaded file as the text of its field.
    unexpected = bool(request.files) and request.endpoint not in register().uploads
    if unexpected or any("\0" in part for pair in request.form.items(multi=True) for part in pair):
        abort(400)


def _refuse_long_url() -> None:
    """Answer 414 to a long URL. This runs after the sign-in check, so that users see the error in the layout."""
    if len(request.full_path) > MAX_URL_BYTES:
        abort(414)


def _enter_tenant() -> Any:
    """Require a signed-in user, and scope the database session to the tenant they chose if they may enter it.

    The session of a request with a safe method can only read.
    """
    if request.method in SAFE_METHODS:
        make_read_only(db.session())
    if request.endpoint in register().public:
        return None
    chosen = session.get("tenant_id")
    scope.enter_tenant(db.session(), chosen)
    if not current_user.is_authenticated:
        return _refuse_anonymous()
    if chosen and not (g.identity.tenant is not None and staff_entry.may_stay(g.identity)):
        session.pop("tenant_id", None)
        g.identity = replace(g.identity, tenant=None)
        db.session.rollback()
        scope.enter_tenant(db.session(), None)
    if lacks_second_factor(g.identity) and request.endpoint not in register().set_up:
        return _redirect_to_set_up()
    if g.identity.tenant is None and request.endpoint is not None and not is_tenantless(request.endpoint):
        if request.endpoint != "HomeView.index":
            flash_warning(gettext("Choose a tenant first: this page belongs to one."))
        return redirect(url_for("TenantView.list"))
    if request.method != "POST":
        return None
    if request.endpoint in register().large_uploads:
        request.max_content_length = MAX_LARGE_UPLOAD_BYTES
        _refuse_invalid_form()
    return _refuse_form_of_another_tenant()


def _refuse_anonymous() -> Any:
    if request.endpoint is None:
        # Anonymous visitors must not learn which screens exist. The endpoints of the APIs are documented publicly.
        if request.path.startswith("/api/") and isinstance(request.routing_exception, MethodNotAllowed):
            raise request.routing_exception
        abort(404)
    return _redirect_to_sign_in()


def _redirect_to_sign_in() -> Any:
    """Redirect to sign-in, and from there to the requested page, to the submitted form, or to the page that it was on."""
    wanted: str | None
    draft_id = None
    home = url_for("HomeView.index")
    if request.method in {"GET", "HEAD"}:
        wanted = requested_path()
    else:
        draft_id = form_draft.keep()
        flash_warning(gettext("You are no longer signed in. What you sent has not been saved."))
        if draft_id is not None:
            flash_warning(gettext("If you sign in within 15 minutes, the form is shown again with what you typed."))
        wanted = referrer_path() or home
    if wanted == home or len(quote(wanted)) > _MAX_NEXT_BYTES:
        wanted = None
    return redirect(url_for("SignInView.login", next=wanted, draft=draft_id))


def _redirect_to_set_up() -> Any:
    """Redirect to the page where a second factor is set up, and from there to the requested page or the submitted form."""
    if request.method in {"GET", "HEAD"}:
        keep_next(requested_path())
    else:
        flash_warning(gettext("Set up two-factor authentication first. What you sent has not been saved."))
        if (draft_id := form_draft.keep()) is not None:
            flash_warning(gettext("If you do so within 15 minutes, the form is shown again with what you typed."))
            keep_next(url_for("RestoredFormView.show", draft=draft_id))
    return redirect(url_for("SecondFactorView.show"))


def _refuse_form_of_another_tenant() -> Any:
    """Answer 409 to a form whose page was rendered in another tenant than the current one.

    All windows of a browser share one session, and so one tenant. After the tenant is switched in one window, or by
    opening a customer of another tenant, the other windows still show the old one. A form sent from there would
    silently be saved in the wrong tenant. Forms of tenant-independent pages are accepted.
    """
    made_in = request.form.get(MADE_IN)
    if not made_in or request.endpoint is None or is_tenantless(request.endpoint) or made_in == _made_in():
        return None
    return errors.tenant_switched(made_in, g.identity)


def _made_in() -> str:
    """Return the tenant ID for the forms of this request, empty without a tenant."""
    identity = g.get("identity")
    return identity.tenant.id if identity is not None and identity.tenant is not None else ""


def is_tenantless(endpoint: str) -> bool:
    """Return whether a page is independent of the chosen tenant."""
    return endpoint in register().tenantless or endpoint.partition(".")[0] in tenantless_views()


@cache
def tenantless_views() -> frozenset[str]:
    """Return the names of the views that do not depend on a chosen tenant and need a role held in every tenant."""
    return frozenset(view.__name__ for view in register().screens if getattr(view, "tenantless", False))
