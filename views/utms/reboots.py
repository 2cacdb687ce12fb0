"""UTM再起動: the plans of the tenant's UTMs, and the results of past reboots."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy import false, or_
from sqlalchemy.orm import joinedload

from models import clock
from models.customers.customer import Customer
from models.db import db
from models.errors import N_
from models.text_part import has_part
from models.utms import reboot_rules
from models.utms.reboot import Reboot, RebootState
from models.utms.utm import Utm
from models.values.company_name import search_key
from models.values.mac_address import mac_digits
from models.values.person_name import person_key
from views.base import actor
from views.customers.customers import CustomerView
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.actions import action
from views.screen.filters import Choice, DaysOfTimes, Part
from views.screen.formats import LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.utms.reboot_facts import STATE, STATE_LABELS, plan_text, result_of
from views.utms.reboot_form import flash_missing_addresses
from views.utms.utms import UtmView


class _CompanyOfUtm(Part):
    """A search field for a part of the name of a UTM's customer."""

    @staticmethod
    def _meets(column: Any, match: str, value: str, *, any_case: bool) -> Any:  # noqa: ARG004  (as the method it replaces)
        return column.has(Utm.customer.has(has_part(Customer.search_name, value)))


class _NameOrId(Part):
    """A search field for a part of the name or of the ID of a UTM."""

    @staticmethod
    def _meets(column: Any, match: str, value: str, *, any_case: bool) -> Any:  # noqa: ARG004  (as the method it replaces)
        # Of a text without anything to compare, every row would have a part.
        parts = ((Utm.search_name, person_key(value)), (Utm.utm_id, mac_digits(value)))
        return column.has(or_(false(), *(has_part(stored, part) for stored, part in parts if part)))


class RebootListView(Screen):
    """The planned and past reboots of all UTMs of the tenant."""

    datamodel = PortalInterface(Reboot, options=(joinedload(Reboot.utm).joinedload(Utm.customer),))
    labels = Labels(
        lazy_gettext("reboot"),
        lazy_gettext("UTM reboots"),
        "power",
        {
            "empty": N_("There is no reboot yet."),
            "empty_hint": N_("UTMs are rebooted from the UTM list, or from the security service of a customer."),
            "show_all": N_("Show all reboots"),
        },
    )
    methods = frozenset({"list"})
    route_base = "/reboots"
    row_rule = "<key:reboot_key>"
    class_permission_name = "Reboots"
    history = False
    named_by = "utm_name"
    base_order = ("due_at", "desc")
    list_columns: ClassVar = ["due_at", "utm", "customer", "state", "result", "asked_by"]
    order_columns: ClassVar = ["due_at", "state", "asked_by"]
    file_columns: ClassVar = [
        *("due_at", "utm.utm_id", "utm.name", "utm.customer_id", "utm.customer.name", "state", "result"),
        *("requested_at", "delivered_at", "ended_at", "verified_at", "asked_by", "asked_at"),
    ]
    filters = (
        Choice("state", labels=STATE_LABELS, beside=True),
        _NameOrId("utm_name", lazy_gettext("UTM name or ID"), most=50, column="utm", beside=True),
        _CompanyOfUtm("customer_name", lazy_gettext("Company name"), most=40, key=search_key, column="utm"),
        DaysOfTimes("due_at"),
    )
    label_columns: ClassVar = {
        "due_at": lazy_gettext("Reboot at"),
        "utm": lazy_gettext("UTM"),
        "customer": lazy_gettext("Company name"),
        "state": lazy_gettext("Status"),
        "result": lazy_gettext("Result"),
        "requested_at": lazy_gettext("Requested at"),
        "delivered_at": lazy_gettext("Taken up at"),
        "ended_at": lazy_gettext("Ended at"),
        "verified_at": lazy_gettext("Verified at"),
        "asked_by": lazy_gettext("Requested by"),
        "asked_at": lazy_gettext("Registered at"),
        "utm.utm_id": lazy_gettext("UTM ID"),
        "utm.name": lazy_gettext("UTM name"),
        "utm.customer_id": lazy_gettext("Company ID"),
        "utm.customer.name": lazy_gettext("Company name"),
    }
    formatters_columns: ClassVar = {
        "utm": linked_value(formats.TEXT),
        "customer": linked_value(formats.TEXT),
        "state": STATE,
        "result": formats.TEXT,
        "asked_by": formats.EMAIL,
        **dict.fromkeys(("requested_at", "delivered_at", "ended_at", "verified_at", "asked_at"), formats.TIME),
    }

    def named_in_question(self, row: Reboot) -> str:
        """Return the name of the UTM with the time."""
        return f"{row.utm.name} ({plan_text(row)})"

    def value(self, row: Reboot, name: str) -> Any:
        """Return what a column shows of a reboot."""
        match name:
            case "utm":
                return LinkedValue(row.utm.name, UtmView.of().url_if("show", row.utm))
            case "customer":
                return LinkedValue(row.utm.customer.name, CustomerView.of().url_if("show", row.utm.customer))
            case "result":
                return result_of(row)
            case _:
                return super().value(row, name)

    @action(
        N_("Cancel the reboot"),
        question=N_("The scheduled reboot of %(name)s will be cancelled. Are you sure?"),
        done=N_("The scheduled reboot has been cancelled."),
        tone="danger",
        when=lambda reboot: reboot.state == RebootState.SCHEDULED,
        multiple=True,
    )
    def cancel(self, reboot: Reboot) -> None:
        """Cancel a planned reboot."""
        outcome = reboot_rules.cancel_plans(
            db.session(), [reboot.utm_id], now=clock.utc_now(), by=actor(), shown={reboot.utm_id: reboot.id}
        )
        flash_missing_addresses(outcome.only())
