"""Default deny: what may be seen without signing in is listed here, everything else needs a user and a tenant."""

from __future__ import annotations

from flask import Flask, abort, g, redirect, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from models import scope
from models.db import db

PUBLIC_ENDPOINTS = frozenset(
    {
        "CustomerApi.openapi",
        "CustomerApi.tenant",
        "AddressConfirmationView.confirm",
        "DeviceApi.alerts",
        "DeviceApi.heartbeat",
        "DeviceApi.openapi",
        "LanguageView.select",
        "PasswordSetupView.setup",
        "SignInView.login",
        "health.healthz",
        "health.readyz",
        "static",
    }
)
"""Reached by anyone. The device API and the customers' portal's API ask for tokens of their own."""

TENANTLESS_ENDPOINTS = frozenset({"SignInView.logout", "TenantView.list", "TenantView.open", "TenantView.select"})
"""Need a user, and no chosen tenant."""

TENANTLESS_VIEWS = frozenset(
    {"JobBoardView", "MailLogView", "PermissionNameView", "RightView", "RoleView", "UserView", "ViewNameView"}
)
"""Need a right that is held everywhere, and no chosen tenant: what they show is of every tenant, or of none."""

MANY_BYTES = 4_096
"""Longest path and query taken: nothing of ours is near it."""


def init_app(app: Flask) -> None:
    """Put the gate in front of every request."""
    app.before_request(_refuse_nonsense)
    app.before_request(_enter_scope)


def _refuse_nonsense() -> None:
    """A NUL is in no text the database can hold: 400 here instead of an error there."""
    if len(request.full_path) > MANY_BYTES:
        abort(414)
    if "\0" in request.path or any("\0" in part for pair in request.args.items(multi=True) for part in pair):
        abort(400)
    # A device's body is read line by line by the view itself, and must not be read here as a form.
    if (request.endpoint or "").startswith("DeviceApi."):
        return
    if request.mimetype == "application/x-www-form-urlencoded":
        # Read whole, and by anybody: 16 MiB of "a&" would be eight million fields.
        request.max_content_length = request.max_form_memory_size
    if any("\0" in part for pair in request.form.items(multi=True) for part in pair):
        abort(400)


def _enter_scope() -> Response | None:
    """Put the request's database session into the tenant the user chose, once that choice is known to hold."""
    if request.endpoint in PUBLIC_ENDPOINTS:
        return None
    chosen = session.get("tenant_id")
    scope.enter_tenant(db.session(), chosen)
    if not current_user.is_authenticated:
        if request.endpoint is None:
            abort(404)
        wanted = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
        return redirect(url_for("SignInView.login", next=wanted))
    if chosen and g.identity.tenant is None:
        session.pop("tenant_id", None)
        db.session.rollback()
        scope.enter_tenant(db.session(), None)
    if g.identity.tenant is None and request.endpoint is not None and not _is_tenantless(request.endpoint):
        return redirect(url_for("TenantView.list"))
    return None


def _is_tenantless(endpoint: str) -> bool:
    return endpoint in TENANTLESS_ENDPOINTS or endpoint.partition(".")[0] in TENANTLESS_VIEWS
