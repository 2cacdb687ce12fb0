"""The change history of every screen is in words: a label for each column, and values as people read them."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, DateTime, Integer, func, inspect, select

from models import audit
from models.actor import Actor
from models.mail.kinds import KINDS
from tests.conventions.messages import JAPANESE
from tests.conventions.screens.cases import SCREENS, screens
from tests.support.pages import Page
from views.screen.history import has_history

PERSON = "who-changed-it@example.jp"
TIME = "2026-11-01T00:00:00+00:00"

NOT_COLUMNS: dict[str, dict[str, Any]] = {
    "ContractView": {
        "lines": [{"id": 1, "rate_plan": "見守りプラン", "quantity": 3, "unit_price": "500"}],
        "line_id": 1,
        "charge_id": 1,
        "month": "2026-11-01",
        "quantity": "3",
    },
    "CustomerView": {
        "1": "はい",
        "amount": "-500",
        "contract_id": "A-S00000001",
        "customer_id": "A00000001",
        "reason": "x",
    },
    "RatePlanView": {"charges": ["基本料金 500", "従量料金 10"]},
    "RoleView": {"tenant": "T8000000", "permissions": ["Alerts can_list", "Customers can_list"]},
    "StaffTicketView": {"body": "1 + 1 = ?", "files": 2},
    "TicketView": {"body": "1 + 1 = ?", "files": 2},
    "UserView": {
        "role": "NEC Staff",
        "roles": ["NEC Admin", "NEC Staff"],
        "tenants": ["T8000000", "T8000001"],
        "factor": "totp",
        "name": "鍵",
    },
    "UtmApplicationView": {"utm_count": 3},
}
"""What the entries about the rows of a screen have besides the columns of its table."""

OMITTED = {
    "CustomerView": "the customer of a correction is the one whose history it is",
    "MailLogView": "the only entry says that a mail was sent again, and to whom",
    "StaffTicketView": "the page shows what a ticket is about, which never changes",
    "TicketView": "the page shows what a ticket is about; who is to answer and since when is for NEC's staff",
    "UserView": "the user name is the email address, and changes of the others are not recorded",
}
"""Why screens leave columns out of histories, besides the key, the tenant and the parent of a row."""

SAME_IN_JAPANESE = {"UTM ID"}
"""Labels that are the same in both languages."""

NOT_READABLE = re.compile(r"True|False|None|\d{4}-\d\d-\d\dT|\[.*\]|\{.*\}")
"""How values look that are shown as they are stored."""

CHOICES: dict[str, dict[str, Any]] = {"MailLogView": {"kind": KINDS}, "UserView": {"factor": ("totp", "passkey")}}
"""The values that a name can have in entries, where no CHECK constraint of the table says so."""

ONE_OF = re.compile(r"(\w+) IN \(([^)]+)\)")


def has_no_history(screen: Any) -> bool:
    return not has_history(screen)


def recorded_values(case, row: Any) -> dict[str, Any]:
    """A value, as the audit log has it, for each name that entries about a row can have."""
    columns = inspect(type(row)).columns
    values = {name: sample(columns[name]) if value is None else value for name, value in audit.values_of(row).items()}
    values = {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
    return values | NOT_COLUMNS.get(case.name, {})


def sample(column: Any) -> Any:
    if isinstance(column.type, DateTime | Date):
        return TIME if isinstance(column.type, DateTime) else TIME[:10]
    return {bool: True, int: 3, list: ["x"]}.get(column.type.python_type, "3")


def change(case, row: Any, values: dict[str, Any]) -> None:
    """Record that some values of a row were set."""
    audit.record(case.make.session, "thing.changed", row, by=Actor(PERSON), before={}, after=values)
    case.make.session.commit()


def shown_in_history(case, row: Any) -> list[tuple[str, str]]:
    """The items of the history of a row with the values after the change."""
    route = "show" if "show" in case.screen.include_route_methods else "edit"
    return [(each["項目"], each["変更後"]) for each in case.page(route, row).rows if each.get("変更者") == PERSON]


def shown_in_log(case) -> list[tuple[str, str]]:
    """The items of the newest entry of the operation log with the values after the change."""
    case.make.session.rollback()
    key = case.make.session.scalar(select(func.max(audit.AuditEntry.id)))
    page = Page(case.client.get(f"/staff/audit-log/{key}").text)
    return [(each["項目"], each["変更後"]) for each in page.rows]


def without_label(shown: list[tuple[str, str]]) -> list[str]:
    return [item for item, _ in shown if not JAPANESE.search(item) and item not in SAME_IN_JAPANESE]


def as_stored(shown: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(item, value) for item, value in shown if NOT_READABLE.search(value)]


def check_words(case, shown: list[tuple[str, str]]) -> None:
    no_label, stored = without_label(shown), as_stored(shown)
    assert no_label == [], f"Give these a label in label_columns of {case.name}: {', '.join(no_label)}"
    assert stored == [], f"Give these a format in formatters_columns of {case.name}: {stored}"


@screens(unless=has_no_history)
def test_each_item_of_a_history_has_a_japanese_label_and_a_readable_value(case):
    row = case.row()
    values = recorded_values(case, row)
    change(case, row, values)

    shown = shown_in_history(case, row)

    check_words(case, shown)
    screen = case.screen
    left_out = {"tenant_id", *screen.history_omits, *(each.key for each in case.model.__mapper__.primary_key)}
    left_out |= {screen.parent.column} if screen.parent is not None else set()
    assert len(shown) == len(set(values) - left_out)


@screens(unless=has_no_history)
def test_the_operation_log_calls_them_the_same(case):
    row = case.row()
    change(case, row, recorded_values(case, row))

    shown = shown_in_log(case)

    check_words(case, shown)
    assert {item for item, _ in shown_in_history(case, row)} <= {item for item, _ in shown}


@screens(unless=has_no_history)
def test_choices_have_their_labels_and_rows_of_other_tables_their_names(case):
    table = case.model.__table__
    choices = {name: set(options) for name, options in CHOICES.get(case.name, {}).items()}
    for check in (each for each in table.constraints if isinstance(each, CheckConstraint)):
        for name, options in ONE_OF.findall(str(check.sqltext)):
            choices.setdefault(name, set()).update(re.findall(r"'(\w+)'", options))
    row = case.row()
    numbers = {
        column.key: value
        for column in table.columns
        if column.foreign_keys and isinstance(column.type, Integer) and column.key in audit.recorded_columns(case.model)
        if (value := getattr(row, column.key)) is not None
    }

    with case.request():
        told = {(name, each): case.screen.recorded(name, each) for name, options in choices.items() for each in options}
        names = {name: case.screen.recorded(name, value) for name, value in numbers.items()}

    assert [each for each, text in told.items() if not JAPANESE.search(text)] == []
    assert [name for name, text in names.items() if text == str(numbers[name])] == []


def test_screens_that_leave_columns_out_have_a_reason():
    assert {name for name, cls in SCREENS.items() if cls.history_omits} == set(OMITTED)
