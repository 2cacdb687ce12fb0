"""テナントのユーザ: who may enter the tenant, and with which role. Read-only: NEC changes it, on request by a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import joinedload

from models import clock
from models.accounts import role
from models.accounts.membership import Membership
from models.accounts.user import Role, User, is_locked
from models.db import db
from models.errors import N_
from models.scope import current_tenant_id
from views.base import url_if
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.filters import Choice, NamePart, Part, Search
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import Button, Table

_COLUMNS: dict[str, Any] = {
    "name": User.last_name,
    "email": User.email,
    "role": Role.name,
    "last_login": User.last_login,
}
"""The columns that the list can be sorted by."""


class _PartOfName(NamePart):
    """A search for a part of the name of a user."""

    @staticmethod
    def _meets(column: Any, match: str, value: str, *, any_case: bool) -> Any:
        name = User.last_name + User.first_name
        return column.has(NamePart._meets(name, match, value, any_case=any_case))  # noqa: SLF001  (of its own base class)


class _PartOfAddress(Part):
    """A search for a part of the email address of a user."""

    @staticmethod
    def _meets(column: Any, match: str, value: str, *, any_case: bool) -> Any:  # noqa: ARG004  (as the method it replaces)
        return column.has(User.email.icontains(value, autoescape=True))


class MemberView(Screen):
    """The users of the tenant."""

    datamodel = PortalInterface(Membership, options=(joinedload(Membership.user), joinedload(Membership.role)))
    labels = Labels(
        lazy_gettext("user"),
        lazy_gettext("Users of the tenant"),
        "users",
        {"empty": N_("There is no user yet."), "show_all": N_("Show all users")},
    )
    methods = frozenset({"list"})
    route_base = "/tenant-users"
    class_permission_name = "TenantUsers"
    base_order = ("name", "asc")
    list_intro = lazy_gettext("The people who may enter this tenant. NEC adds, changes and removes them on request.")
    list_columns: ClassVar = ["name", "email", "role", "active", "last_login"]
    order_columns: ClassVar = [*_COLUMNS]
    filters = (
        _PartOfName("name", most=201, column="user", beside=True),
        _PartOfAddress("email", most=254, column="user", beside=True),
        Choice(
            "role",
            labels=lambda: {
                each.id: each.name for each in role.in_tenant(db.session(), current_tenant_id(db.session()))
            },
            on=lambda value: Membership.role_id == int(value),
        ),
    )
    label_columns: ClassVar = {
        "name": lazy_gettext("Full name"),
        "email": lazy_gettext("Email address"),
        "role": lazy_gettext("Role"),
        "active": lazy_gettext("May sign in"),
        "last_login": lazy_gettext("Last sign-in"),
    }
    formatters_columns: ClassVar = {
        "name": formats.TEXT,
        "email": formats.MAIL_LINK,
        "role": formats.TEXT,
        "active": formats.badge(
            {True: lazy_gettext("Yes"), False: lazy_gettext("No"), "locked": lazy_gettext("Locked")}, {"locked": "red"}
        ),
        "last_login": formats.TIME,
    }

    def base_conditions(self) -> list[Any]:
        """Return the condition for the users of the tenant; the table has those of all."""
        return [*super().base_conditions(), Membership.tenant_id == g.identity.tenant.id]

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query sorted by a column of the user or the role; users who have never signed in are last."""
        column = _COLUMNS[sort]
        ordered = column.desc().nulls_last() if direction == "desc" else column.asc().nulls_last()
        return query.join(Membership.user).join(Membership.role).order_by(ordered, Membership.id)

    def value(self, row: Membership, name: str) -> Any:
        """Return the value of a column for a member. A locked account is shown as locked, as in the list of all users."""
        match name:
            case "role":
                return row.role.name
            case "active":
                return "locked" if is_locked(row.user, now=clock.utc_now()) else bool(row.user.active)
            case "last_login":
                return row.user.last_login
            case _:
                return super().value(row, name)

    def list_links(self, search: Search, tables: Sequence[Table]) -> Sequence[Button]:
        """Return the button that asks NEC for a change, with a ticket whose text is prepared."""
        url = url_if("can_create", "Tickets", "TicketFormView.create", purpose="users")
        return [Button(gettext("Request a change"), url, "send", css="btn btn-primary")] if url else []
