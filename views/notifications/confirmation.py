"""メール有効化画面 (§5.4.2 (2)): the page behind the link in a confirmation mail. It requires no sign-in.

Opening the link confirms nothing, because mail scanners open links too. The page confirms the address by a POST, which
it sends automatically if JavaScript runs (docs/adr/0008-confirming-an-address.md).
"""

from __future__ import annotations

from typing import Any

from flask import current_app, g, request, url_for
from flask_appbuilder import expose
from flask_wtf import FlaskForm
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session

from models import clock
from models.actor import Actor
from models.notifications import address_rules
from models.notifications.address import AddressLink, LinkState
from models.scope import tenant_session
from models.tenants.tenant import Tenant
from views.base import render
from views.mailed_link import MailedLinkView

_DONE = "done"
_UNKNOWN = "unknown"
_STATUS = {
    _DONE: 200,
    LinkState.OPEN: 200,
    LinkState.USED: 200,
    LinkState.EXPIRED: 410,
    LinkState.SUPERSEDED: 410,
    _UNKNOWN: 404,
}


class AddressConfirmationView(MailedLinkView):
    """The confirmation of a notification address through a mailed link."""

    route_base = "/confirm-address"
    class_permission_name = "AddressConfirmation"

    @expose("/<string:address_token>", methods=["GET", "POST"])
    def confirm(self, address_token: str) -> Any:
        """Show the state of the link; on POST, confirm its address."""
        tenant_id = address_rules.tenant_of(address_token)
        form = FlaskForm()
        if form.is_submitted() and not form.validate():
            raise CSRFError
        if tenant_id is None:
            return _page(_UNKNOWN, None, None)
        with tenant_session(tenant_id) as session, session.begin():
            link = address_rules.look_up(session, address_token)
            if link is None:  # deleted in the meantime
                return _page(_UNKNOWN, None, None)
            state = _use(session, link) if form.is_submitted() else link.state(now=clock.utc_now())
            return _page(state, link, session.get(Tenant, tenant_id))


def _use(session: Session, link: AddressLink) -> str:
    by = Actor(link.address, address=request.remote_addr, request_id=g.get("request_id"))
    state = address_rules.confirm(session, link, now=clock.utc_now(), by=by)
    return _DONE if state == LinkState.OPEN else state


def _page(state: str, link: AddressLink | None, tenant: Tenant | None) -> tuple[str, int]:
    page = render(
        "notifications/confirmation.html",
        state=state,
        link=link,
        tenant=tenant,
        portal_url=url_for("HomeView.index"),
        support_email=current_app.config["SUPPORT_EMAIL"],
    )
    return page, _STATUS[state]
