"""照合: for each customer, the numbers of UTMs applied for, contracted, registered and online side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar

from flask import current_app, g
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from sqlalchemy.orm import Session

from models import clock
from models.applications.reconciliation import Figures, differs, figures_of, lacks_utms
from models.customers.customer import Customer
from models.db import db
from models.errors import N_
from models.values.company_name import search_key
from views.base import url_if
from views.customers.customers import CustomerView
from views.customers.tabs import security_url
from views.data_interface import PortalInterface
from views.read_sessions import streamed
from views.screen import formats
from views.screen.filters import Choice, IdPart, Part
from views.screen.formats import Format, LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import ICON_BUTTON, Button, Table

_FIGURES = ("applied", "contracted", "registered", "online", "monthly", "since")
_AGREES, _DISAGREES = lazy_gettext("Agrees"), lazy_gettext("Disagrees")
_AGREEMENT = formats.badge({True: _AGREES, False: _DISAGREES}, {True: "green", False: "orange"})
_SINCE = Markup('<div class="cell">%s <span class="status-since">%s</span></div>')
_FILE_BATCH = 500


def _agreement(figures: Figures) -> Markup:
    badge: Markup = _AGREEMENT.cell(figures.agrees)
    return _SINCE % (badge, gettext("since %(day)s", day=figures.since.isoformat())) if figures.since else badge


def _since(figures: Figures) -> str:
    return figures.since.isoformat() if figures.since else ""


def _differ(value: str) -> Any:
    today = clock.tokyo_day(clock.utc_now())
    if value == "lack":
        return lacks_utms(today)
    differing = differs(today)
    return differing if value == "differ" else ~differing


class ReconciliationView(Screen):
    """The list of customers with their figures. NEC staff get a button to exempt a customer from the contract check."""

    datamodel = PortalInterface(Customer)
    labels = Labels(
        lazy_gettext("customer"),
        lazy_gettext("Reconciliation"),
        "list-check",
        {"empty": N_("There is no customer yet."), "show_all": N_("Show all customers")},
    )
    methods = frozenset({"list"})
    route_base = "/reconciliation"
    row_rule = "<string:customer_id>"
    class_permission_name = "Reconciliation"
    trash = "deleted_at"
    base_order = ("id", "desc")
    list_columns: ClassVar = [*("id", "name"), *_FIGURES, "shortage_exemption"]
    list_labels: ClassVar = {
        "applied": lazy_gettext("Applied for"),
        "contracted": lazy_gettext("Contracted"),
        "registered": lazy_gettext("Registered"),
        "online": lazy_gettext("Online"),
        "since": lazy_gettext("Figures"),
    }
    list_intro = lazy_gettext("The numbers of UTMs. The day since which they disagree is noted every morning.")
    order_columns: ClassVar = ["id", "name"]
    filters = (
        IdPart("id", most=9, placeholder="A00000001"),
        Part("name", most=40, any_case=False, key=search_key, column="search_name"),
        Choice(
            "exempt",
            lazy_gettext("Contract check"),
            labels={"no": lazy_gettext("Checked"), "yes": lazy_gettext("Exempt")},
            on=lambda value: (Customer.shortage_exemption != "") == (value == "yes"),
        ),
        Choice(
            "figures",
            lazy_gettext("Figures"),
            labels={"differ": _DISAGREES, "lack": lazy_gettext("UTMs not registered"), "agree": _AGREES},
            on=_differ,
            beside=True,
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
        "shortage_exemption": lazy_gettext("Reason for the exemption"),
    }
    formatters_columns: ClassVar = {
        "id": linked_value(formats.CODE),
        "applied": formats.NUMBER,
        "contracted": linked_value(formats.NUMBER),
        "registered": linked_value(formats.NUMBER),
        "online": formats.NUMBER,
        "monthly": formats.YEN,
        "since": Format(_agreement, _since),
        "shortage_exemption": formats.TEXT,
    }

    def table(self, rows: Sequence[Customer], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return the table of a page, after reading the figures of its rows."""
        _read_figures(db.session(), rows)
        return super().table(rows, columns, **options)

    def _cells(self, query: Any, info: dict[str, Any]) -> Iterator[list[str]]:
        columns = [(name, self.formats[name]) for name in self.list_columns]

        def cells(session: Session) -> Iterator[list[str]]:
            found = iter(query.with_session(session).yield_per(_FILE_BATCH))
            while rows := list(islice(found, _FILE_BATCH)):
                _read_figures(session, rows)
                for row in rows:
                    yield [each.text(self.value(row, name)) for name, each in columns]

        yield from streamed(info, cells)

    def value(self, row: Customer, name: str) -> Any:
        """Return the value of a column for a customer."""
        if name == "id":
            return LinkedValue(row.id, CustomerView.of().url_if("show", row))
        if name not in _FIGURES:
            return super().value(row, name)
        figures = g.figures[row.id]
        if name == "since":
            # Its cell says whether the numbers agree, too.
            return figures
        value = getattr(figures, name)
        if name == "contracted":
            return LinkedValue(value, CustomerView.of().url_if("show", row, _anchor="contracts"))
        return LinkedValue(value, security_url(row)) if name == "registered" else value

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a sorted query; names are sorted without their legal form."""
        return super().ordered(query, "sort_name" if sort == "name" else sort, direction)

    def buttons(self, row: Customer, back: dict[str, str]) -> list[Button]:
        """Return the button for NEC staff to exempt a customer."""
        url = url_if("can_exempt", "Reconciliation", "ExemptionView.exempt", customer_id=row.id, **back)
        if url is None:
            return []
        return [
            Button(
                "", url, "pencil", gettext("Exempt %(name)s from the contract check", name=row.name), css=ICON_BUTTON
            )
        ]


def _read_figures(session: Session, rows: Sequence[Customer]) -> None:
    """Read the figures of a page, or of a part of the file, for ``ReconciliationView.value``."""
    now = clock.utc_now()
    g.figures = figures_of(
        session,
        [row.id for row in rows],
        today=clock.tokyo_day(now),
        now=now,
        online_for=current_app.config["UTM_ONLINE_FOR"],
    )
