"""Entering a tenant: NEC staff state a reason, which its people can read. That staff are members of it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, redirect, request, session, url_for
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from models import clock
from models.accounts import user_session
from models.accounts.identity import Identity
from models.accounts.user_session import Entry
from models.db import db
from models.tenants import staff_entry
from models.tenants.tenant import Tenant
from views.base import actor, render
from views.confirmation import OF_THE_PAGE
from views.forms.fields import MaxLength, Required, TextField
from views.transaction import cross_tenant_session

_CROSSING = "NEC staff enter and leave tenants"


class ReasonForm(FlaskForm):
    """Why a tenant is entered."""

    reason = TextField(
        lazy_gettext("Reason"),
        [Required(), MaxLength(staff_entry.REASON_LENGTH)],
    )


def current_entry(identity: Identity) -> Entry | None:
    """Return the entry of NEC staff into the tenant of the request; None for other people and outside tenants."""
    entry = identity.entry
    if entry is None or identity.tenant is None or not identity.elevated:
        return None
    return entry if entry.tenant_id == identity.tenant.id else None


def may_stay(identity: Identity) -> bool:
    """Return whether the user entered the tenant of the request as required."""
    return identity.tenant is None or not identity.elevated or current_entry(identity) is not None


def enter(tenant_id: str) -> Any:
    """Choose a tenant for the rest of the session.

    :param tenant_id: a tenant that the user may enter.
    :returns: the page that asks for the reason if it is missing; None when the tenant is chosen.
    """
    entry = current_entry(g.identity)
    if entry is not None and entry.tenant_id == tenant_id:
        return None
    if not g.identity.elevated:
        session["tenant_id"] = tenant_id
        return None
    form = ReasonForm()
    if "reason" not in request.form or not form.validate():
        carried = [
            pair for pair in request.form.items(multi=True) if pair[0] != "reason" and pair[0] not in OF_THE_PAGE
        ]
        return _ask(form, tenant_id, request.full_path.rstrip("?"), carried), 422 if "reason" in request.form else 200
    reason = form.reason.data
    staff_entry.record_entry(cross_tenant_session(_CROSSING), tenant_id, reason, by=actor())
    entry = Entry(tenant_id, clock.utc_now(), reason)
    user_session.enter_tenant(db.session(), g.identity.user.session_token, entry)
    session["tenant_id"] = tenant_id
    return None


def enter_for_draft(tenant_id: str, draft_id: str) -> Any:
    """Return the page that asks NEC staff for the reason before a form is restored in the tenant it was made in.

    :param tenant_id: as the form has it.
    :returns: None if there is no such tenant.
    """
    if db.session.get(Tenant, tenant_id) is None:
        return None
    action = url_for("TenantView.select", to="draft", draft=draft_id)
    return _ask(ReasonForm(), tenant_id, action, [("tenant_id", tenant_id)])


def leave() -> Response:
    """Leave the tenant, and lead to the selection."""
    entry = current_entry(g.identity)
    if entry is not None:
        staff_entry.record_leaving(cross_tenant_session(_CROSSING), entry.tenant_id, by=actor())
        user_session.enter_tenant(db.session(), g.identity.user.session_token, None)
    session.pop("tenant_id", None)
    return redirect(url_for("TenantView.list"))


def _ask(form: ReasonForm, tenant_id: str, action: str, carried: Sequence[tuple[str, str]]) -> str:
    if "reason" not in request.form and g.identity.entry is not None:
        # Who goes from tenant to tenant usually has the same reason.
        form.reason.data = g.identity.entry.reason
    return render(
        "tenants/enter.html",
        title=gettext("Enter the tenant"),
        form=form,
        tenant=db.session.get(Tenant, tenant_id),
        action=action,
        carried=carried,
        back_url=url_for("TenantView.list"),
    )
