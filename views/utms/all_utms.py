"""The UTMs of all customers of the tenant: what the dashboard counts (§5.1)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy.orm import joinedload

from models.errors import N_
from models.utms.utm import Utm
from views.customers.customers import CustomerView
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.filters import Choice, Part
from views.screen.formats import LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.utms.state import STATE, STATE_LABELS, has_state, state_of
from views.utms.utms import UtmView


class UtmListView(Screen):
    """The UTMs that are not removed; each is registered and changed below its customer."""

    datamodel = PortalInterface(Utm, options=(joinedload(Utm.customer),))
    labels = Labels(
        lazy_gettext("UTM"),
        lazy_gettext("UTM list"),
        "router",
        {"empty": N_("There is no UTM yet."), "show_all": N_("Show all UTMs")},
    )
    methods = frozenset({"list"})
    route_base = "/utms"
    row_rule = UtmView.row_rule
    class_permission_name = "Utms"
    list_columns: ClassVar = ["utm_id", "name", "customer_id", "customer.name", "state"]
    order_columns: ClassVar = ["utm_id", "name", "customer_id"]
    base_order = ("utm_id", "asc")
    filters = (
        Part("utm_id", most=12),
        Part("name", most=50),
        Part("customer_id", most=9),
        Choice("state", labels=STATE_LABELS, on=has_state, beside=True),
    )
    label_columns: ClassVar = {
        "utm_id": lazy_gettext("UTM ID"),
        "name": lazy_gettext("UTM name"),
        "customer_id": lazy_gettext("Company ID"),
        "customer.name": lazy_gettext("Company name"),
        "state": lazy_gettext("Operation"),
    }
    formatters_columns: ClassVar = {
        "utm_id": linked_value(formats.CODE),
        "customer_id": linked_value(formats.CODE),
        "state": STATE,
    }

    def base_conditions(self) -> list[Any]:
        """Return what every row must meet: a removed UTM is counted nowhere."""
        return [*super().base_conditions(), Utm.removed_at.is_(None)]

    def value(self, row: Utm, name: str) -> Any:
        """Return what a column shows of a UTM."""
        match name:
            case "utm_id":
                return LinkedValue(row.utm_id, UtmView.of().url_if("show", row))
            case "customer_id":
                return LinkedValue(row.customer_id, CustomerView.of().url_if("show", row.customer))
            case "state":
                return state_of(row)
            case _:
                return super().value(row, name)
