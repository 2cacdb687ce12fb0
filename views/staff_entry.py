"""Entering a tenant: NEC staff who are not members of it state a reason, which its people can read."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import g, redirect, request, session, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response

from models import clock
from models.accounts.identity import Identity
from models.accounts.membership import Membership
from models.db import db
from models.scope import all_tenants
from models.tenants import staff_entry
from models.tenants.tenant import Tenant
from views.base import actor, render
from views.confirmation import OF_THE_PAGE
from views.forms.fields import MaxLength, Required, TextField
from views.transaction import cross_tenant_session

_KEY = "staff_entry"
_CROSSING = "NEC staff enter and leave tenants"


class Entry(NamedTuple):
    """The entry of NEC staff into a tenant, as the browser's session has it.

    :ivar at: the time of the entry as displayed.
    """

    tenant_id: str
    reason: str
    at: str


class ReasonForm(FlaskForm):
    """Why a tenant is entered."""

    reason = TextField(
        lazy_gettext("Reason"),
        [Required(), MaxLength(staff_entry.REASON_LENGTH)],
    )


def current_entry(identity: Identity) -> Entry | None:
    """Return the entry into the tenant of the request; None for its members and outside tenants."""
    kept = session.get(_KEY)
    if identity.tenant is None or identity.member or not kept:
        return None
    entry = Entry(*kept)
    return entry if entry.tenant_id == identity.tenant.id else None


def may_stay(identity: Identity) -> bool:
    """Return whether the user entered the tenant of the request as required."""
    return identity.tenant is None or identity.member or current_entry(identity) is not None


def enter(tenant_id: str) -> Any:
    """Choose a tenant for the rest of the session.

    :param tenant_id: a tenant that the user may enter.
    :returns: the page that asks for the reason if it is missing; None when the tenant is chosen.
    """
    entry = current_entry(g.identity)
    if entry is not None and entry.tenant_id == tenant_id:
        return None
    if not g.identity.elevated or _is_member(tenant_id):
        choose(tenant_id, None)
        return None
    form = ReasonForm()
    if "reason" not in request.form or not form.validate():
        return _ask(tenant_id, form)
    reason = form.reason.data
    staff_entry.record_entry(cross_tenant_session(_CROSSING), tenant_id, reason, by=actor())
    choose(tenant_id, Entry(tenant_id, reason, clock.screen_time(clock.utc_now())))
    return None


def choose(tenant_id: str, entry: Entry | None) -> None:
    """Note the tenant of the browser's session.

    :param entry: of NEC staff; None for members.
    """
    session["tenant_id"] = tenant_id
    session.pop(_KEY, None)
    if entry is not None:
        session[_KEY] = list(entry)


def enter_again(tenant_id: str, kept: list[str] | None) -> None:
    """Choose the tenant in which the user worked before the session ended.

    :param kept: the entry of NEC staff; None for members.
    """
    if session.get("tenant_id") == tenant_id:
        return
    entry = Entry(*kept) if kept and kept[0] == tenant_id else None
    if entry is not None:
        # In a transaction of its own: users who have signed in elsewhere meanwhile come here with a GET, which does not commit.
        with all_tenants(_CROSSING) as crossing:
            staff_entry.record_entry(crossing, tenant_id, entry.reason, by=actor(current_user))
            crossing.commit()
    choose(tenant_id, entry)


def leave() -> Response:
    """Leave the tenant, and lead to the selection."""
    entry = current_entry(g.identity)
    if entry is not None:
        staff_entry.record_leaving(cross_tenant_session(_CROSSING), entry.tenant_id, by=actor())
    session.pop("tenant_id", None)
    session.pop(_KEY, None)
    return redirect(url_for("TenantView.list"))


def _is_member(tenant_id: str) -> bool:
    of_user = select(Membership.id).where(Membership.user_id == g.identity.user.id, Membership.tenant_id == tenant_id)
    return db.session.scalar(of_user) is not None


def _ask(tenant_id: str, form: ReasonForm) -> Any:
    carried = [pair for pair in request.form.items(multi=True) if pair[0] != "reason" and pair[0] not in OF_THE_PAGE]
    if "reason" not in request.form:
        # Who goes from tenant to tenant usually has the same reason.
        form.reason.data = (session.get(_KEY) or [None, "", None])[1]
    page = render(
        "tenants/enter.html",
        title=gettext("Enter the tenant"),
        form=form,
        tenant=db.session.get(Tenant, tenant_id),
        action=request.full_path.rstrip("?"),
        carried=carried,
        back_url=url_for("TenantView.list"),
    )
    return page, 422 if "reason" in request.form else 200
