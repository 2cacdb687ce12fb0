"""The tables on the page of an application: delivery addresses, portal users, and who looked at it (§8.2.3, §8.3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext

from models.applications.application import ApplicationUser, ApplicationView
from models.applications.delivery import DeliveryColumns
from views.screen import formats
from views.screen.table import Table, filled_table


def delivery_columns() -> list[Any]:
    """Return label, format and reader of each column of a delivery address."""
    return [
        (gettext("Company name"), formats.TEXT, lambda each: each.company),
        (gettext("Full name"), formats.TEXT, lambda each: each.name),
        (gettext("Department"), formats.TEXT, lambda each: each.department),
        (gettext("Postcode"), formats.POSTCODE, lambda each: each.postcode),
        (gettext("Address"), formats.TEXT, lambda each: each.full_address),
        (gettext("Phone number"), formats.PHONE, lambda each: each.phone),
        (gettext("Number of units"), formats.NUMBER, lambda each: each.utm_count),
    ]


def delivery_table(deliveries: Sequence[DeliveryColumns]) -> Table:
    """Return UTM情報: the delivery addresses."""
    return filled_table(delivery_columns(), deliveries, title=gettext("UTM information"))


def user_table(users: Sequence[ApplicationUser]) -> Table:
    """Return ユーザ情報: the people who are to sign in to the customers' portal."""
    return filled_table(
        [
            (gettext("Full name"), formats.TEXT, lambda each: each.name),
            (gettext("Email address"), formats.MAIL_LINK, lambda each: each.email),
            (gettext("Mobile phone number"), formats.PHONE, lambda each: each.mobile),
        ],
        users,
        title=gettext("User information"),
    )


def view_table(views: Sequence[ApplicationView]) -> Table:
    """Return who looked at the application, the last one first."""
    columns: Any = [
        (gettext("User"), formats.EMAIL, lambda each: each.user_name),
        (gettext("Looked at"), formats.TIME, lambda each: each.viewed_at),
    ]
    return filled_table(columns, views, title=gettext("Looked at by"))
