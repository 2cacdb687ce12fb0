"""The users of the customers' portal of all customers of the tenant. The figures of the dashboard link to it (§5.1)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask_babel import lazy_gettext
from sqlalchemy.orm import joinedload

from models import clock
from models.customers.customer import Customer
from models.errors import N_
from models.portal_users.never_signed_in import in_sign_up_state, never_signed_in
from models.portal_users.portal_user import PortalUser, SignUpState
from models.values.company_name import search_key
from views.base import url_if
from views.customers.company_name import CompanyName
from views.data_interface import PortalInterface
from views.portal_users.portal_users import SIGN_UP_LABELS
from views.screen import formats
from views.screen.filters import Choice, Part
from views.screen.formats import LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.screen import Screen


def _in_state(value: str) -> Any:
    return in_sign_up_state(SignUpState(value), now=clock.utc_now())


class AllPortalUsersView(Screen):
    """The users of all customers; each is created and changed below its customer."""

    datamodel = PortalInterface(PortalUser, options=(joinedload(PortalUser.customer),))
    labels = Labels(
        lazy_gettext("user"),
        lazy_gettext("Users of all customers"),
        "users",
        {"empty": N_("There is no user yet."), "show_all": N_("Show all users")},
    )
    methods = frozenset({"list"})
    route_base = "/portal-users"
    row_rule = "<string:portal_user_id>"
    class_permission_name = "PortalUsers"
    trash = "deleted_at"
    base_order = ("id", "desc")
    list_columns: ClassVar = ["id", "name", "customer", "email", "sign_up", "sign_up_until", "last_sign_in_at"]
    order_columns: ClassVar = ["id", "customer", "email", "sign_up_until", "last_sign_in_at"]
    filters = (
        CompanyName("customer", most=40, key=search_key),
        Part("email", most=254),
        Choice("sign_up", labels=SIGN_UP_LABELS, on=_in_state, beside=True),
        Choice(
            "password",
            lazy_gettext("First password"),
            labels={"done": lazy_gettext("Set"), "missing": lazy_gettext("Not set")},
            on=lambda value: (
                PortalUser.signed_up_at.is_not(None) if value == "done" else PortalUser.signed_up_at.is_(None)
            ),
        ),
        Choice(
            "signed_in",
            lazy_gettext("Sign-in"),
            labels={"never": lazy_gettext("Never signed in"), "yes": lazy_gettext("Has signed in")},
            on=lambda value: never_signed_in() if value == "never" else ~never_signed_in(),
        ),
    )
    label_columns: ClassVar = {
        "id": lazy_gettext("User ID"),
        "name": lazy_gettext("Full name"),
        "customer": lazy_gettext("Company name"),
        "email": lazy_gettext("Email address"),
        "sign_up": lazy_gettext("Sign-up"),
        "sign_up_until": lazy_gettext("Sign-up until"),
        "last_sign_in_at": lazy_gettext("Last sign-in"),
    }
    formatters_columns: ClassVar = {
        "id": formats.CODE,
        "name": formats.TEXT,
        "customer": linked_value(formats.TEXT),
        "email": formats.MAIL_LINK,
        "sign_up": formats.badge(SIGN_UP_LABELS, {SignUpState.DONE: "green", SignUpState.EXPIRED: "orange"}),
    }

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a sorted query; names of customers are sorted without their legal form."""
        if sort != "customer":
            return super().ordered(query, sort, direction)
        key = Customer.sort_name
        return query.join(PortalUser.customer).order_by(key.desc() if direction == "desc" else key, PortalUser.id)

    def value(self, row: PortalUser, name: str) -> Any:
        """Return the value of a column for a user."""
        match name:
            case "customer":
                url = url_if("can_list", self.class_permission_name, "PortalUserView.list", customer_id=row.customer_id)
                return LinkedValue(row.customer.name, url)
            case "sign_up":
                return row.sign_up_state(now=clock.utc_now())
            case _:
                return super().value(row, name)
