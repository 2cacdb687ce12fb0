"""UTM一覧: the UTMs of all customers of the tenant. What the dashboard counts (§5.1) links to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from flask import g
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models.customers.customer import Customer
from models.db import db
from models.errors import N_
from models.utms.utm import Utm
from models.values.company_name import search_key
from models.values.mac_address import mac_digits
from models.values.person_name import person_key
from models.values.prefecture import PREFECTURES
from views.base import url_if
from views.customers.company_name import CompanyName
from views.customers.customers import CustomerView
from views.data_interface import PortalInterface
from views.forms.fields import half_width
from views.screen import formats
from views.screen.filters import Choice, DeclaredFilter, IdPart, Part, Search
from views.screen.formats import LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import Button, Table
from views.utms.alert_counts import ordered_by_count, recent_counts, shown_count
from views.utms.reboot_facts import reboot_of_many
from views.utms.state import STATE, STATE_LABELS, has_state, state_of
from views.utms.states import states_url
from views.utms.utms import UtmView, alerts_url


def versions_of(session: Session) -> Mapping[str, str]:
    """Return the versions that the UTMs which a session sees report, as the labels of a choice."""
    found = session.scalars(
        select(Utm.firmware)
        .where(Utm.removed_at.is_(None), Utm.firmware.is_not(None))
        .distinct()
        .order_by(Utm.firmware)
    )
    return {version: version for version in found if version}


def fleet_filters(versions: Callable[[], Mapping[str, str]]) -> tuple[DeclaredFilter, ...]:
    """Return the search fields of a list of UTMs of several customers.

    :param versions: returns the versions to choose from.
    """
    return (
        Part("name", most=50, any_case=False, key=person_key, column="search_name", beside=True),
        Choice("state", labels=STATE_LABELS, on=has_state, beside=True),
        Part(
            "utm_id", lazy_gettext("UTM ID or MAC address"), most=30, any_case=False, clean=half_width, key=mac_digits
        ),
        CompanyName("customer", most=40, key=search_key),
        IdPart("customer_id", most=9),
        Choice("firmware", labels=versions),
        Choice("prefecture", labels={name: name for name in PREFECTURES}),
        Part("address", most=104),
    )


class FleetList(Screen):
    """A list of UTMs of several customers; each is registered and changed below its customer."""

    datamodel = PortalInterface(Utm, options=(joinedload(Utm.customer),))
    methods = frozenset({"list"})
    row_rule = UtmView.row_rule
    base_order = ("utm_id", "asc")
    list_columns: ClassVar = ["utm_id", "name", "customer", "address", "state", "firmware", "alert_count"]
    clear_columns: ClassVar = ["customer", "state"]
    file_columns: ClassVar = [
        *("utm_id", "name", "customer_id", "customer.name", "state", "last_seen_at", "firmware"),
        *("serial", "postcode", "prefecture", "address", "alert_count"),
    ]
    label_columns: ClassVar = {
        "utm_id": lazy_gettext("UTM ID"),
        "name": lazy_gettext("UTM name"),
        "customer": lazy_gettext("Company name"),
        "customer_id": lazy_gettext("Company ID"),
        "customer.name": lazy_gettext("Company name"),
        "state": lazy_gettext("Operation"),
        "last_seen_at": lazy_gettext("Last connected"),
        "firmware": lazy_gettext("Version"),
        "serial": lazy_gettext("Serial number"),
        "postcode": lazy_gettext("Postcode"),
        "prefecture": lazy_gettext("Prefecture"),
        "address": lazy_gettext("Place"),
        "alert_count": lazy_gettext("Alerts"),
    }
    formatters_columns: ClassVar = {
        "utm_id": linked_value(formats.CODE),
        "customer": linked_value(formats.TEXT),
        "state": STATE,
        "serial": formats.CODE,
        "postcode": formats.POSTCODE,
        "alert_count": linked_value(formats.NUMBER),
    }

    def base_conditions(self) -> list[Any]:
        """Return what every row must meet: a removed UTM is counted nowhere."""
        return [*super().base_conditions(), Utm.removed_at.is_(None)]

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query in an order: by state means by last contact, by company without its legal form."""
        if sort == "alert_count":
            return ordered_by_count(query, self.rows_session(), direction)
        if sort == "customer":
            key = Customer.sort_name
            return query.join(Utm.customer).order_by(key.desc() if direction == "desc" else key, Utm.id)
        return super().ordered(query, "last_seen_at" if sort == "state" else sort, direction)

    def table(self, rows: Sequence[Utm], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return a table of UTMs with the numbers of their alerts."""
        g.fleet_alerts = recent_counts(self.rows_session(), utm_ids={row.id for row in rows})
        return super().table(rows, columns, css="dense", **options)

    def prepare_file(self, session: Session) -> None:
        """Count the alerts of all UTMs with one statement."""
        if "alert_count" in self.file_columns:
            g.fleet_alerts = recent_counts(session)

    def value(self, row: Utm, name: str) -> Any:
        """Return what a column shows of a UTM."""
        match name:
            case "state":
                return state_of(row)
            case "customer":
                return LinkedValue(row.customer.name, None)
            case "alert_count":
                return shown_count(g.fleet_alerts, row.id)
            case _:
                return super().value(row, name)


class UtmListView(FleetList):
    """The UTMs of the tenant that are not removed."""

    labels = Labels(
        lazy_gettext("UTM"),
        lazy_gettext("UTM list"),
        "router",
        {"empty": N_("There is no UTM yet."), "show_all": N_("Show all UTMs")},
    )
    route_base = "/utms"
    class_permission_name = "Utms"
    list_template = "utms/list.html"
    filters = fleet_filters(lambda: versions_of(db.session()))

    def _actions_of_many(self) -> list[Button]:
        return [*super()._actions_of_many(), *reboot_of_many()]

    def value(self, row: Utm, name: str) -> Any:
        """Return what a column shows of a UTM, with the pages it leads to."""
        found = super().value(row, name)
        match name:
            case "utm_id":
                return LinkedValue(found, UtmView.of().url_if("show", row))
            case "customer":
                return LinkedValue(found.value, CustomerView.of().url_if("show", row.customer))
            case "alert_count":
                return LinkedValue(found, alerts_url(row))
            case _:
                return found

    def list_links(self, search: Search, tables: Sequence[Table]) -> Sequence[Button]:
        """Return the button that leads to the bulk registration."""
        url = url_if("can_check", "Imports", "UtmImportView.utms")
        return [Button(gettext("Register UTMs in bulk"), url, "upload")] if url else []

    def states_url_of(self, tables: Sequence[Table]) -> str | None:
        """Return the URL of the states of the UTMs on a page of the list."""
        return states_url(row.key for table in tables for row in table.rows)
