"""What the lists of both kinds of applications share (§8.2.2, §8.3.2): search, choice of a row, and the action menu."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import request, url_for
from flask_babel import gettext, lazy_gettext

from models import clock
from models.errors import N_
from views.applications.next_steps import NextSteps, next_steps
from views.applications.period import read_period
from views.applications.states import condition_of
from views.applications.tables import delivery_table
from views.base import render
from views.screen import formats
from views.screen.conflict import Difference, compared
from views.screen.filters import Search
from views.screen.navigation import Tab, present_arguments, with_arguments
from views.screen.screen import Screen
from views.screen.table import Button, Choice, Empty, Table
from views.waiting import format_waiting_time

TABS = (
    Tab(
        lazy_gettext("Service applications"),
        "ServiceApplicationView.list",
        ("can_list", "ServiceApplications"),
    ),
    Tab(lazy_gettext("Additional UTM applications"), "UtmApplicationView.list", ("can_list", "UtmApplications")),
)
COLUMNS = ("id", "company", "state", "applied_at")
LABELS = {
    "id": lazy_gettext("Application number"),
    "company": lazy_gettext("Company name"),
    "state": lazy_gettext("Status"),
    "applied_at": lazy_gettext("Applied at"),
    "waiting": lazy_gettext("Waiting for"),
    "decided_at": lazy_gettext("Decided at"),
    "decided_by": lazy_gettext("Decided by"),
    "reason": lazy_gettext("Reason for the denial"),
    "customer_id": lazy_gettext("Company ID"),
}


@dataclass(frozen=True)
class MenuItem:
    """What an operator can do with an application.

    :param name: the name of the method of the decision view, and of its permission.
    :param label: the label in the action menu.
    :param question: the confirmation question.
    """

    name: str
    label: str
    question: str


APPROVE = MenuItem("approve", N_("Approve"), N_("The application will be approved. Are you sure?"))
DENY = MenuItem("deny", N_("Deny"), N_("The application will be denied. Are you sure?"))


class ApplicationList(Screen):
    """A list of applications, of which one is chosen for the action menu.

    :cvar menu_items: what can be done with a row, in the order of the menu.
    :cvar decisions: the endpoint of the view that does it, without the name of the method.
    """

    menu_items: ClassVar[Sequence[MenuItem]] = (APPROVE, DENY)
    decisions: ClassVar[str] = ""

    methods = frozenset({"list"})
    csv = False
    named_by = "id"
    base_order = ("applied_at", "desc")
    tabs = TABS
    list_template = "applications/list.html"
    list_columns: ClassVar = list(COLUMNS)
    clear_columns: ClassVar = ["company"]
    order_columns: ClassVar = list(COLUMNS)
    formatters_columns: ClassVar = {"id": formats.CODE}

    def beside_list(self, search: Search) -> dict[str, Any]:
        """Return the period, the menu, and what is done next with the application that was just approved."""
        period = read_period(request.args)
        return {
            "period": period,
            "searched": bool(search.active or period.value),
            "conditions": [(gettext("Application period"), period.text), *(each.summary for each in search.filters)],
            "menu_items": [(each, self.url_of(each.name)) for each in self.menu_items if self.may_do(each.name)],
            "menu_links": self.menu_links(),
            "back": present_arguments().get("back", ""),
            **self._next_steps_of_approved(),
        }

    def _next_steps_of_approved(self) -> dict[str, Any]:
        approved = request.args.get("approved")
        row = self.query().filter(self.model.id == approved).one_or_none() if approved is not None else None
        return {"next_steps": self.next_steps(row)} if row is not None else {}

    def address_key(self, delivery: Any) -> str:
        """Return the key of a delivery address in the URL of the contract application."""
        raise NotImplementedError

    def next_steps(self, row: Any) -> NextSteps | None:
        """Return the links of an approved application, None for others."""
        return next_steps(row, row.deliveries, self.address_key)

    def application_page(
        self,
        row: Any,
        form: Any,
        menu_items: Sequence[MenuItem],
        conflict: Sequence[Difference] | None,
        **more: Any,
    ) -> str:
        """Return the page of an application.

        :param form: of ``decision_form``, None if the user cannot decide.
        :param menu_items: what can be done with it.
        :param conflict: what somebody else saved meanwhile.
        :param more: what only this kind of application has, for the template.
        """
        return render(
            self.show_template,
            screen=self,
            row=row,
            title=self.name_of(row),
            crumbs=self.crumbs(row),
            deliveries=delivery_table(row.deliveries),
            form=form,
            menu_items=[(each, self.url_of(each.name, row)) for each in menu_items],
            next_steps=self.next_steps(row),
            conflict=compared(conflict),
            history=self.changes(row),
            window_details=self.window_details(row),
            **more,
        )

    def menu_links(self) -> list[Button]:
        """Return the links in the action menu, which are not about the chosen row."""
        return []

    def rows(self, search: Search) -> Any:
        """Return the applications of the period with the chosen status."""
        period = read_period(request.args)
        status = next(each.value for each in search.filters if each.name == "status")
        conditions = condition_of(self.model.state, status)
        if period.start is not None:
            conditions += [self.model.applied_at >= period.start, self.model.applied_at < period.end]
        return super().rows(search).filter(*conditions)

    def table(self, rows: Sequence[Any], columns: Sequence[str] | None = None, **options: Any) -> Table:
        """Return a table of applications, of which those that can be decided can be chosen."""
        table = super().table(rows, columns, **options)
        if any(self.may_do(each.name) for each in self.menu_items):
            for row, filled in zip(rows, table.rows, strict=True):
                filled.choice = self._choice(row)
            table.chooses = any(filled.choice for filled in table.rows)
        return table

    def _choice(self, row: Any) -> Choice | None:
        possible = [each.name for each in self.menu_items if row.is_open and self.is_possible(each, row)]
        if not possible:
            return None
        return Choice(f"{row.id}:{row.version}", gettext("Choose %(name)s", name=row.id), " ".join(possible))

    def is_possible(self, item: MenuItem, row: Any) -> bool:
        """Return whether the menu of the list offers something for an open application."""
        return True

    def empty(self, *, searched: bool) -> Empty:
        """Return the message of an empty list, which by default leaves out what is decided."""
        message = self.labels.message
        every = with_arguments(self.url("list"), {"status": "all"})
        return Empty(self.labels.icon, message("empty"), message("empty_hint"), [Button(message("show_all"), every)])

    def may_do(self, name: str) -> bool:
        """Return whether the user has a permission on the applications."""
        return bool(self.appbuilder.sm.has_access(f"can_{name}", self.class_permission_name))

    def url_of(self, name: str, row: Any = None) -> str:
        """Return the URL of a decision, about the row of a page or about the row that is chosen in the list."""
        key = {self.row_argument: row.id} if row is not None else {}
        return url_for(f"{self.decisions}.{name}", **key)


def waiting(row: Any) -> str | None:
    """Return how long an application has waited for a decision, None if it is decided."""
    if not row.is_open:
        return None
    return format_waiting_time(clock.utc_now() - row.applied_at)
