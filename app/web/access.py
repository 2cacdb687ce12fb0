"""Default deny: what the registers do not call public needs a user, and nearly all of it a tenant."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import quote

from flask import Flask, abort, flash, g, redirect, request, session, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.exceptions import MethodNotAllowed

from app.web import errors
from app.web.registers import register
from models import scope
from models.db import db
from views.redirects import asked_for, came_from

MADE_IN = "made_in"
"""The field of every form that names the tenant its page was made in."""

MANY_BYTES = 8_000
"""Longest path and query taken: three search texts at their limit come near it, and the web server takes little more."""

_LONGEST_NEXT = 4_000
"""Bytes of an address that signing in leads on to: as an argument it is quoted once more."""


def init_app(app: Flask) -> None:
    """Put the gate in front of every request."""
    app.before_request(_refuse_nonsense)
    app.before_request(_enter_scope)
    app.before_request(_refuse_many_bytes)
    app.jinja_env.globals["made_in"] = _made_in


def _refuse_nonsense() -> None:
    """A NUL is in no text the database can hold, and no form has a file: 400 here instead of an error there."""
    if "\0" in request.path or any("\0" in part for pair in request.args.items(multi=True) for part in pair):
        abort(400)
    if request.method in {"GET", "HEAD"}:
        return
    # A device's body is read line by line by the view itself, and must not be read here as a form.
    if (request.endpoint or "").startswith("DeviceApi."):
        return
    if request.mimetype == "application/x-www-form-urlencoded":
        # Read whole, and by anybody: 16 MiB of "a&" would be eight million fields.
        request.max_content_length = request.max_form_memory_size
    # A form of ours takes the file for the text of its field.
    if request.files or any("\0" in part for pair in request.form.items(multi=True) for part in pair):
        abort(400)


def _refuse_many_bytes() -> None:
    """Whoever is signed in is told so inside: a search may well become too long."""
    if len(request.full_path) > MANY_BYTES:
        abort(414)


def _enter_scope() -> Any:
    """Put the request's database session into the tenant the user chose, once that choice is known to hold."""
    if request.endpoint in register().public:
        return None
    chosen = session.get("tenant_id")
    scope.enter_tenant(db.session(), chosen)
    if not current_user.is_authenticated:
        if request.endpoint is None:
            # Outside, a screen and no screen are the same. What an API's addresses are is there for all to read.
            if request.path.startswith("/api/") and isinstance(request.routing_exception, MethodNotAllowed):
                raise request.routing_exception
            abort(404)
        return _ask_to_sign_in()
    if chosen and g.identity.tenant is None:
        session.pop("tenant_id", None)
        db.session.rollback()
        scope.enter_tenant(db.session(), None)
    if g.identity.tenant is None and request.endpoint is not None and not is_tenantless(request.endpoint):
        return redirect(url_for("TenantView.list"))
    return _refuse_form_of_another_tenant() if request.method == "POST" else None


def _ask_to_sign_in() -> Any:
    """Lead to the door, and from there to the page that was asked for, or that the form was on."""
    wanted: str | None
    home = url_for("HomeView.index")
    if request.method in {"GET", "HEAD"}:
        wanted = asked_for()
    else:
        flash(gettext("You are not signed in any more. Nothing of what you sent was saved."), "warning")
        wanted = came_from() or home
    if wanted == home or len(quote(wanted)) > _LONGEST_NEXT:
        wanted = None
    return redirect(url_for("SignInView.login", next=wanted))


def _refuse_form_of_another_tenant() -> Any:
    """Answer 409 to a form that was made in another tenant than the session is in now.

    All windows of a browser share one session, and so one tenant. Who switches it in one window, or opens a customer
    found in another tenant, still sees the old tenant in the other windows: a form sent from there would be saved in
    the wrong tenant without a word. What is of no tenant is the same everywhere, and is taken.
    """
    made_in = request.form.get(MADE_IN)
    if not made_in or request.endpoint is None or is_tenantless(request.endpoint) or made_in == _made_in():
        return None
    return errors.tenant_switched(made_in, g.identity)


def _made_in() -> str:
    """What a form made in this request says of its tenant: nothing where there is none."""
    identity = g.get("identity")
    return identity.tenant.id if identity is not None and identity.tenant is not None else ""


def is_tenantless(endpoint: str) -> bool:
    """Return whether a page is of every tenant, or of none, whichever one is chosen."""
    return endpoint in register().tenantless or endpoint.partition(".")[0] in tenantless_views()


@cache
def tenantless_views() -> frozenset[str]:
    """Return the views that need a right held everywhere, and no chosen tenant: what they show is of every tenant, or none."""
    return frozenset(view.__name__ for view in register().screens if getattr(view, "tenantless", False))
