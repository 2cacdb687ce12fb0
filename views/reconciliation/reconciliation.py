"""照合: per customer, the UTMs applied for, contracted, registered and online side by side, with exemptions (§5.4.1 (2))."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any, ClassVar

from flask import current_app, g
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from models import clock
from models.actor import Actor
from models.applications import reconciliation
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.db import db
from models.errors import N_
from models.values.company_name import search_key
from views.base import url_if
from views.customers.customers import CustomerView
from views.data_interface import PortalInterface
from views.forms.fields import half_width
from views.screen import formats
from views.screen.filters import Choice, Part
from views.screen.formats import Format, LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import Table

_NUMBERS = ("applied", "contracted", "registered", "online", "monthly", "since", "agrees")
_AGREES = {True: lazy_gettext("Agrees"), False: lazy_gettext("Disagrees")}
_FILE_BATCH = 500


class _Exemption:
    """The rules of the form: it changes nothing but the exemption."""

    @staticmethod
    def change(session: Session, row: Customer, values: dict[str, Any], *, version: int, by: Actor) -> None:
        customer_rules.exempt(session, row, values["shortage_exemption"], version=version, by=by)


class ReconciliationView(Screen):
    """The list of customers with their figures; NEC staff exempt a customer from the check for missing contracts."""

    datamodel = PortalInterface(Customer)
    rules = _Exemption
    labels = Labels(
        lazy_gettext("customer"),
        lazy_gettext("Reconciliation"),
        "list-check",
        {
            "edit_title": N_("Exemption from the contract check"),
            "edit_name": N_("Exempt %(name)s from the contract check"),
            "ask_edit": N_("The exemption will be changed. Are you sure?"),
            "changed": N_("The exemption has been changed."),
            "empty": N_("There is no customer yet."),
            "show_all": N_("Show all customers"),
        },
    )
    methods = frozenset({"list", "edit"})
    route_base = "/reconciliation"
    row_rule = "<string:customer_id>"
    class_permission_name = "Reconciliation"
    base_order = ("id", "desc")
    list_columns: ClassVar = [*("id", "name"), *_NUMBERS, "shortage_exemption"]
    order_columns: ClassVar = ["id", "name"]
    edit_columns: ClassVar = ["shortage_exemption"]
    filters = (
        Part("id", most=9, any_case=False, clean=lambda typed: half_width(typed).upper(), placeholder="A00000001"),
        Part("name", most=40, any_case=False, key=search_key, column="search_name"),
        Choice(
            "figures",
            lazy_gettext("Figures"),
            labels={"differ": _AGREES[False], "agree": _AGREES[True]},
            on=lambda value: _differ(wanted=value == "differ"),
            beside=True,
        ),
        Choice(
            "exempt",
            lazy_gettext("Exemption"),
            labels={"yes": lazy_gettext("Exempt"), "no": lazy_gettext("Not exempt")},
            on=lambda value: (Customer.shortage_exemption != "") == (value == "yes"),
        ),
    )
    label_columns: ClassVar = {
        "id": lazy_gettext("Company ID"),
        "name": lazy_gettext("Company name"),
        "applied": lazy_gettext("UTMs applied for"),
        "contracted": lazy_gettext("UTMs contracted"),
        "registered": lazy_gettext("UTMs registered"),
        "online": lazy_gettext("UTMs online"),
        "monthly": lazy_gettext("Monthly amount"),
        "since": lazy_gettext("Disagrees since"),
        "agrees": lazy_gettext("Figures"),
        "shortage_exemption": lazy_gettext("Reason for the exemption"),
    }
    formatters_columns: ClassVar = {
        "id": linked_value(formats.CODE),
        "applied": formats.NUMBER,
        "contracted": linked_value(formats.NUMBER),
        "registered": linked_value(formats.NUMBER),
        "online": formats.NUMBER,
        "monthly": formats.YEN,
        "since": formats.DAY,
        "agrees": formats.badge(_AGREES, {True: "green", False: "orange"}),
        "shortage_exemption": Format(css="text"),
    }

    def table(self, rows: Sequence[Customer], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return the table of a page, after reading the figures of its rows."""
        self._read_figures(db.session, rows)
        return super().table(rows, columns, **options)

    def _cells(self, query: Any, info: dict[str, Any]) -> Iterator[list[str]]:
        columns = [(name, self.formats[name]) for name in self.list_columns]
        with Session(db.engine, info=info) as session:
            found = iter(query.with_session(session).yield_per(_FILE_BATCH))
            while rows := list(islice(found, _FILE_BATCH)):
                self._read_figures(session, rows)
                for row in rows:
                    yield [each.text(self.value(row, name)) for name, each in columns]

    def value(self, row: Customer, name: str) -> Any:
        """Return the value of a column for a customer."""
        if name == "id":
            return LinkedValue(row.id, CustomerView.of().url_if("show", row))
        if name not in _NUMBERS:
            return super().value(row, name)
        value = getattr(g.reconciliation[row.id], name)
        if name == "contracted":
            return LinkedValue(value, CustomerView.of().url_if("show", row))
        if name == "registered":
            return LinkedValue(value, url_if("can_security", "Customers", "SecurityView.security", customer_id=row.id))
        return value

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a sorted query; names are sorted without their legal form."""
        return super().ordered(query, "sort_name" if sort == "name" else sort, direction)

    def base_conditions(self) -> list[Any]:
        """Return what every row must meet: deleted customers are not reconciled."""
        return [*super().base_conditions(), Customer.deleted_at.is_(None)]

    @staticmethod
    def _read_figures(session: Any, rows: Sequence[Customer]) -> None:
        now = clock.utc_now()
        g.reconciliation = reconciliation.figures_of(
            session,
            [row.id for row in rows],
            today=clock.tokyo_day(now),
            now=now,
            online_for=current_app.config["UTM_ONLINE_FOR"],
        )


def _differ(*, wanted: bool) -> Any:
    differing = Customer.id.in_(reconciliation.differing_customers(_today()))
    return differing if wanted else ~differing


def _today() -> date:
    return clock.tokyo_day(clock.utc_now())
