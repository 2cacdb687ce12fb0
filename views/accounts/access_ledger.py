"""アクセス台帳 for NEC Admin: who has which role where, since when, and when they last signed in; with a yearly review."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import redirect
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from models import clock
from models.accounts import access_review
from models.accounts.access_right import AccessRight
from models.accounts.user import Role
from models.db import db
from models.errors import N_
from views.accounts.tabs import ADMINISTRATION
from views.base import actor, url_if
from views.data_interface import PortalInterface
from views.flashes import flash_success
from views.screen import formats
from views.screen.filters import Choice, IdPart, NamePart, Part
from views.screen.formats import LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import Button, Question, Table, filled_table

_NO_ROLE = lazy_gettext("No role")


def _role_names() -> dict[str, Any]:
    names = db.session.scalars(select(Role.name).where(Role.name != "Public").order_by(Role.name))
    return {**{name: name for name in names}, "-": _NO_ROLE}


def _with_role(value: str) -> Any:
    return AccessRight.role.is_(None) if value == "-" else AccessRight.role == value


class AccessLedgerView(Screen):
    """The roles of all users, in every tenant."""

    datamodel = PortalInterface(AccessRight)
    labels = Labels(
        lazy_gettext("right of a user"),
        lazy_gettext("Access ledger"),
        "shield-lock",
        {"show_all": N_("Show all users")},
    )
    methods = frozenset({"list"})
    route_base = "/access-ledger"
    class_permission_name = "AccessLedger"
    tenantless = True
    tabs = ADMINISTRATION
    list_template = "accounts/access_ledger.html"
    base_order = ("email", "asc")
    list_columns: ClassVar = ["name", "email", "active", "tenant", "role", "since", "last_login"]
    file_columns: ClassVar = [
        *("name", "email", "active", "tenant_id", "tenant_name", "role", "since", "last_login"),
    ]
    order_columns: ClassVar = ["name", "email", "role", "since", "last_login"]
    filters = (
        NamePart("name", most=201, beside=True),
        Part("email", most=254, beside=True),
        IdPart("tenant_id", most=8),
        Choice("role", labels=_role_names, on=_with_role, beside=True),
        Choice(
            "active",
            labels={"y": lazy_gettext("Yes"), "n": lazy_gettext("No")},
            on=lambda value: AccessRight.active.is_(True) if value == "y" else AccessRight.active.is_not(True),
        ),
    )
    label_columns: ClassVar = {
        "name": lazy_gettext("Full name"),
        "email": lazy_gettext("Email address"),
        "active": lazy_gettext("May sign in"),
        "tenant": lazy_gettext("Tenant"),
        "tenant_id": lazy_gettext("Tenant ID"),
        "tenant_name": lazy_gettext("Tenant name"),
        "role": lazy_gettext("Role"),
        "since": lazy_gettext("Held since"),
        "last_login": lazy_gettext("Last sign-in"),
    }
    formatters_columns: ClassVar = {
        "name": formats.TEXT,
        "email": linked_value(formats.EMAIL),
        "active": formats.YES_NO,
        "tenant": formats.TEXT,
        "role": formats.TEXT.with_empty(_NO_ROLE),
        "since": formats.DAY_OF_TIME,
        "last_login": formats.DAY_OF_TIME,
    }

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a sorted query. The columns are those of a query, of which the data interface knows less than of a table's."""
        column, key = getattr(AccessRight, sort), AccessRight.id
        if direction == "desc":
            return query.order_by(column.desc().nulls_last(), key.desc())
        return query.order_by(column.asc().nulls_last(), key)

    def value(self, row: AccessRight, name: str) -> Any:
        """Return the value of a column for a right."""
        match name:
            case "email":
                return LinkedValue(row.email, url_if("can_show", "Users", "UserView.show", pk=row.user_id))
            case "tenant":
                if row.tenant_id is not None:
                    return f"{row.tenant_id} {row.tenant_name}"
                return gettext("All tenants") if row.role is not None else None
            case "active":
                return bool(row.active)
            case _:
                return super().value(row, name)

    def review_button(self) -> Button:
        """Return the button that records a review."""
        question = Question(
            gettext("It will be recorded that you have reviewed the rights of all users. Are you sure?"),
            gettext("Record the review"),
        )
        return Button(gettext("Record the review"), self.url("review"), "clipboard-check", "", {}, question)

    def is_review_due(self) -> bool:
        """Return whether the rights are to be reviewed."""
        return is_review_due()

    @expose("/review", methods=["POST"])
    @has_access
    def review(self) -> Response:
        """Record that the person has reviewed the rights of all users."""
        access_review.record(db.session(), now=clock.utc_now(), by=actor())
        flash_success(gettext("The review has been recorded."))
        return redirect(self.url("list"))

    def reviews_table(self) -> Table:
        """Return the table of the last reviews."""
        return filled_table(
            [
                (gettext("Reviewed on"), formats.TIME, lambda review: review.reviewed_at),
                (gettext("Reviewed by"), formats.TEXT, lambda review: review.reviewed_by),
                (gettext("Number of rights"), formats.NUMBER, lambda review: review.rights),
            ],
            access_review.newest(db.session()),
            title=gettext("Reviews"),
        )


def is_review_due() -> bool:
    """Return whether the rights of all users are to be reviewed."""
    return access_review.is_due(db.session(), now=clock.utc_now())
