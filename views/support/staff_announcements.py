"""お知らせ for NEC's staff (§10.1): they write and publish announcements to the tenants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy import select

from models import clock
from models.db import db
from models.errors import N_
from models.support.announcement import Announcement, State, in_state
from models.support.announcement_rules import rules
from models.tenants.tenant import Tenant
from views.base import actor
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.actions import action
from views.screen.filters import Choice, Days, Part, YesNo
from views.screen.labels import Labels
from views.screen.navigation import Above
from views.screen.screen import Screen
from views.support.announcement_form import AnnouncementForm

STATES = {
    State.DRAFT: lazy_gettext("Not published"),
    State.SCHEDULED: lazy_gettext("Before the display period"),
    State.SHOWN: lazy_gettext("Displayed"),
    State.ENDED: lazy_gettext("After the display period"),
}
_TONES = {State.SCHEDULED: "blue", State.SHOWN: "green"}


def _today() -> Any:
    return clock.tokyo_day(clock.utc_now())


class StaffAnnouncementView(Screen):
    """The announcements of all tenants: drafts, and published ones of any period."""

    datamodel = PortalInterface(Announcement)
    rules = rules
    form = AnnouncementForm
    labels = Labels(
        lazy_gettext("announcement"),
        lazy_gettext("Manage announcements"),
        "speakerphone",
        {
            "added": N_("The draft has been saved. It is displayed after you publish it."),
            "empty_hint": N_("A new announcement is a draft until you publish it."),
        },
    )
    route_base = "/staff/announcements"
    row_rule = "<key:announcement_key>"
    class_permission_name = "StaffAnnouncements"
    named_by = "title"
    tenantless = True
    above: ClassVar = [Above(lazy_gettext("NEC Staff"), None, None)]
    base_order = ("starts_on", "desc")
    list_columns: ClassVar = ["title", "important", "audience", "starts_on", "ends_on", "state"]
    order_columns: ClassVar = ["title", "important", "starts_on", "ends_on"]
    filters = (
        Part("title", most=100, beside=True),
        Choice("state", labels=STATES, on=lambda state: in_state(state, today=_today()), beside=True),
        YesNo("important"),
        Days("starts_on"),
    )
    show_fieldsets: ClassVar = [
        (
            None,
            {"fields": ["title", "body", "important", "state", "starts_on", "ends_on", "tenant_names", "published_at"]},
        )
    ]
    label_columns: ClassVar = {
        "audience": lazy_gettext("Meant for"),
        "tenant_names": lazy_gettext("Meant for"),
        "tenant_ids": lazy_gettext("Meant for"),
        "state": lazy_gettext("Status"),
        "published_at": lazy_gettext("Published at"),
    }
    formatters_columns: ClassVar = {
        "body": formats.LINES,
        "state": formats.badge(STATES, _TONES),
        "tenant_names": formats.LINES,
    }

    def value(self, row: Any, name: str) -> Any:
        """Return the value of a column for an announcement."""
        match name:
            case "state":
                return row.state(_today())
            case "audience" | "tenant_names" if row.tenant_ids is None:
                return gettext("All tenants")
            case "audience":
                count = len(row.tenant_ids)
                return ngettext("%(num)d tenant", "%(num)d tenants", count)
            case "tenant_names":
                return self._names(row.tenant_ids)
            case _:
                return super().value(row, name)

    def recorded(self, name: str, value: Any) -> str:
        """Return a value of the audit log as displayed to the user: tenants with their names."""
        if name != "tenant_ids":
            return super().recorded(name, value)
        return gettext("All tenants") if value is None else "\n".join(self._names(value))

    def _names(self, tenant_ids: Sequence[str]) -> list[str]:
        return [f"{each.id} {each.name}" for each in self._tenants() if each.id in tenant_ids]

    def prepared(self, form: Any) -> Any:
        """Return a form with the tenants to choose from; a new announcement starts today."""
        form.set_choices(self._tenants())
        if form.starts_on.data is None and not form.is_submitted():
            form.starts_on.data = _today()
        return form

    @staticmethod
    def _tenants() -> Any:
        """Return all tenants, read once in a request."""
        if "announcement_tenants" not in g:
            g.announcement_tenants = db.session.execute(select(Tenant.id, Tenant.name).order_by(Tenant.id)).all()
        return g.announcement_tenants

    @action(
        N_("Publish"),
        icon="send",
        accessible_name=N_("Publish %(name)s"),
        question=N_("%(name)s will be published: it is displayed from its first day on. Are you sure?"),
        done=N_("The announcement has been published."),
        when=lambda row: row.published_at is None,
    )
    def publish(self, row: Announcement) -> None:
        """Publish an announcement."""
        rules.publish(db.session(), row, now=clock.utc_now(), by=actor())

    @action(
        N_("Unpublish"),
        icon="arrow-back-up",
        accessible_name=N_("Unpublish %(name)s"),
        question=N_("%(name)s will be a draft again, which no tenant sees. Are you sure?"),
        done=N_("The announcement has been withdrawn."),
        tone="danger",
        when=lambda row: row.published_at is not None,
    )
    def withdraw(self, row: Announcement) -> None:
        """Withdraw an announcement."""
        rules.withdraw(db.session(), row, by=actor())
