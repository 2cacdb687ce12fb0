"""届かない宛先: the e-mail addresses that refuse mail for good, beside the mail log, for NEC staff."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext, lazy_gettext

from models import clock
from models.db import db
from models.overview.undeliverable import MOST, Owner, OwnerKind, Undeliverable, undeliverable
from models.tenants.tenant import tenant_names
from views.base import PortalView, render
from views.screen import formats
from views.screen.formats import LinkedValue, linked_value
from views.screen.table import Empty, Table, filled_table
from views.transaction import cross_tenant_session

_OWNERS_SHOWN = 5
KINDS = {
    OwnerKind.NOTIFICATION: lazy_gettext("Notification address"),
    OwnerKind.REQUESTED: lazy_gettext("Notification address, not confirmed"),
    OwnerKind.USER: lazy_gettext("User"),
    OwnerKind.PORTAL_USER: lazy_gettext("Portal user"),
    OwnerKind.CONTACT: lazy_gettext("Customer's contact"),
    OwnerKind.UTM: lazy_gettext("Address of a UTM"),
    OwnerKind.APPLICANT: lazy_gettext("Applicant"),
}


class UndeliverableView(PortalView):
    """The addresses that refuse mail: how often, since when, and whose they are."""

    route_base = "/staff/mail/undeliverable"
    class_permission_name = "MailLog"
    tenantless = True

    @expose("/")
    @has_access
    @permission_name("list")
    def list(self) -> str:
        """Show the addresses, the newest first."""
        found = undeliverable(
            cross_tenant_session("NEC's staff look after the mail of every tenant"), now=clock.utc_now()
        )
        return render("mail/undeliverable.html", table=_table(found))


def _table(found: list[Undeliverable]) -> Table:
    names = tenant_names(db.session()) if found else {}
    table = filled_table(
        [
            (gettext("Recipient"), linked_value(formats.EMAIL), _address),
            (gettext("Refused"), formats.NUMBER, lambda row: row.times),
            (gettext("Since"), formats.TIME, lambda row: row.first),
            (gettext("Last time"), formats.TIME, lambda row: row.last),
            (gettext("Reason given by the mail server"), formats.LINES, lambda row: row.reason),
            (gettext("Used as"), formats.LINES, lambda row: _owners(row.owners, names)),
        ],
        found[:MOST],
        label=gettext("Undeliverable addresses"),
        empty=Empty(
            "circle-check",
            gettext("No address refuses mail."),
            gettext("Addresses are listed here when a mail server refuses mail to them for good, or returns it."),
        ),
    )
    table.count, table.most = len(found), MOST
    return table


def _address(row: Undeliverable) -> LinkedValue:
    return LinkedValue(row.address, url_for("MailLogView.list", recipient=row.address))


def _owners(owners: list[Owner], tenants: dict[str, str]) -> Any:
    if not owners:
        return gettext("No longer used")
    lines = [" ".join(_words(each, tenants)) for each in owners[:_OWNERS_SHOWN]]
    more = len(owners) - _OWNERS_SHOWN
    return [*lines, gettext("%(count)s more", count=more)] if more > 0 else lines


def _words(owner: Owner, tenants: dict[str, str]) -> list[str]:
    tenant = f"({owner.tenant_id} {tenants.get(owner.tenant_id, '')})" if owner.tenant_id else ""
    return [each for each in (str(KINDS[OwnerKind(owner.kind)]), owner.name, tenant) if each]
