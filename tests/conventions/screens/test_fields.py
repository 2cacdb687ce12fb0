"""Every field of every form: its limit, its choices, and a form in which nothing was changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from wtforms import BooleanField, RadioField, SelectField, SelectMultipleField
from wtforms.validators import DataRequired, InputRequired, Length

from models.accounts.user import EMAIL_LENGTH
from tests.conventions.screens.cases import SCREENS, Case, screens
from tests.support.pages import Page
from views.forms.fields import EmailAddressField, MaxLength, OneLine, Required

TABLE = Path(__file__).with_name("fields.txt")

NO_LIMIT = {
    "ApplicationFieldView.choices": "options are counted, and each has its limit: tests/views/applications",
    "ChargeView.discount_months": "a number",
    "ChargeView.unit_price": "a number: tests/views/contracts/test_catalogue.py",
    "CorrectionView.amount": "a number",
    "CorrectionView.contract_id": "the number of a contract: tests/views/contracts/test_billing.py",
    "StaffAnnouncementView.starts_on": "a day",
    "StaffTenantView.shortage_grace_days": "a number: tests/views/tenants/test_staff_tenants.py",
    "StaffAnnouncementView.ends_on": "a day",
    "StaffTenantView.invited_email": "as of an invitation",
    "WholesalePriceView.unit_price": "a number",
    "WholesalePriceView.valid_from": "a day",
}
"""Fields without a longest text, and why."""

CHOICES = (BooleanField, SelectField, SelectMultipleField, RadioField)


def has_form(screen: Any) -> bool:
    return bool({"add", "edit"} & screen.include_route_methods)


def limit_of(case: Case, field: Any) -> int | None:
    """How many characters a field takes, None for one that takes any number or none at all."""
    limits = [each.most for each in field.validators if isinstance(each, MaxLength)]
    limits += [each.max for each in field.validators if isinstance(each, Length) and each.max > 0]
    if isinstance(field, EmailAddressField):
        limits.append(EMAIL_LENGTH)
    column = case.model.__mapper__.columns.get(field.name)
    if not limits and column is not None and getattr(column.type, "length", None):
        limits.append(column.type.length)
    return min(limits, default=None)


def text_of(field: Any, length: int, start: str) -> str:
    """A text of a length that a field takes but for the length."""
    if isinstance(field, EmailAddressField):
        rest, labels = length - 65 - 3, []
        while rest > 0:
            labels.append("b" * min(rest - 1, 63))
            rest -= len(labels[-1]) + 1
        return f"{'a' * 64}@{'.'.join(labels)}{'x' * rest}.jp"[-length:].rjust(length, "a")
    filling = "あ" if any(isinstance(each, MaxLength) for each in field.validators) else start[-1]
    return (start + filling * length)[:length]


@screens(unless=lambda screen: not has_form(screen))
def test_fields_refuse_one_character_more_than_their_limit_beside_them(case):
    row = case.row() if case.form_method == "edit" else None
    limits = limits_of(case)
    if not limits:
        pytest.skip(f"The form of {case.name} has no field with a limit.")
    values = case.new_values()
    typed = {name: text_of(case.fields()[name], limit + 1, values[name] or "あ") for name, limit in limits.items()}

    answer = case.post(case.form_method, case.form(row).sent(values | typed), row)

    page = Page(answer.text)
    assert answer.status_code == 422
    assert [name for name in typed if not page.error_of(name)] == [], "What is wrong is not said beside a field."
    others = [name for name in page.main_form.visible_names if name not in typed and page.error_of(name)]
    assert others == [], "Fields are said to be wrong that are not."
    sent = page.main_form.sent()
    assert {name: sent[name] for name in typed} == typed, "What was typed is lost."


@screens(unless=lambda screen: not has_form(screen))
def test_fields_take_their_limit(case):
    row = case.row() if case.form_method == "edit" else None
    limits = limits_of(case)
    values = case.new_values()
    typed = {name: text_of(case.fields()[name], limit, values[name] or "あ") for name, limit in limits.items()}

    answer = case.post(case.form_method, case.answered(case.form(row), values | typed), row)

    errors = {} if answer.status_code == 302 else {name: Page(answer.text).error_of(name) for name in typed}
    assert answer.status_code == 302, errors
    kept = case.stored(case.newest() if row is None else row)
    assert {name: kept[name] for name in typed} == typed, "Something else is kept than was typed."


def limits_of(case: Case) -> dict[str, int]:
    """The longest text of each field that takes texts."""
    limits = {
        name: limit_of(case, field)
        for name, field in case.fields().items()
        if not isinstance(field, CHOICES) and f"{case.name}.{name}" not in NO_LIMIT
    }
    without = [name for name, limit in limits.items() if limit is None]
    assert without == [], f"Fields of {case.name} take a text of any length: give them MaxLength."
    return limits


def is_required(field: Any) -> bool:
    return any(isinstance(each, Required | InputRequired | DataRequired) for each in field.validators)


@screens(unless=lambda screen: not has_form(screen))
def test_fields_that_are_required_refuse_what_shows_nothing_and_no_others_do(case):
    row = case.row() if case.form_method == "edit" else None
    fields = case.fields()
    required = [name for name, field in fields.items() if is_required(field)]
    optional = [name for name, field in fields.items() if name not in required and not isinstance(field, CHOICES)]

    for empty in ("", "\u3000 ", "\u200b", "\ufeff\u202e", "\u3164") if required else ():
        values = case.new_values() | dict.fromkeys(required, empty)
        answer = case.post(case.form_method, case.answered(case.form(row), values), row)
        page = Page(answer.text)
        assert answer.status_code == 422
        assert [name for name in required if not page.error_of(name)] == [], f"Fields take {empty!r}."
    if optional:
        values = case.new_values() | dict.fromkeys(optional, "")
        answer = case.post(case.form_method, case.answered(case.form(row), values), row)
        errors = {} if answer.status_code == 302 else {name: Page(answer.text).error_of(name) for name in optional}
        assert answer.status_code == 302, errors


@screens(unless=lambda screen: not has_form(screen))
def test_fields_of_one_line_keep_no_line_break_or_control_character(case):
    row = case.row() if case.form_method == "edit" else None
    names = [
        name for name, field in case.fields().items() if any(isinstance(each, OneLine) for each in field.validators)
    ]
    for text in ("一\n行", "二\r\nBcc: x", "三\x1b行", "四\u2028行") if names else ():
        sent = case.answered(case.form(row), case.new_values() | dict.fromkeys(names, text))
        answer = case.post(case.form_method, sent, row)
        if answer.status_code == 302:
            kept = case.stored(case.newest() if row is None else row)
            assert [name for name in names if not kept[name].isprintable()] == [], f"Fields keep {text!r}."
        else:
            assert answer.status_code == 422
            page = Page(answer.text)
            told = "改行や制御文字は使用できません。"
            assert [name for name in names if told not in page.error_of(name)] == []


def test_the_fields_are_those_of_the_table(app, make, signed_in):
    lines = []
    for name, screen in sorted(SCREENS.items()):
        if has_form(screen):
            case = Case(app, make, signed_in, name)
            for field in case.fields().values():
                limit = "choice" if isinstance(field, CHOICES) else limit_of(case, field)
                limit = "-" if limit is None or f"{name}.{field.name}" in NO_LIMIT else limit
                required = "required" if is_required(field) else ""
                one_line = "one line" if any(isinstance(each, OneLine) for each in field.validators) else ""
                lines.append(f"{name + '.' + field.name:<44}{limit!s:<8}{required:<10}{one_line}".rstrip())
    table = "\n".join([f"{'field':<44}most", *lines]) + "\n"
    if os.environ.get("WRITE_TABLES"):
        TABLE.write_text(table)

    assert table == TABLE.read_text(), (
        "What a field takes has changed. If that is meant, run `WRITE_TABLES=1 make test` and look at the difference."
    )


@screens(unless=lambda screen: not has_form(screen))
def test_a_choice_that_is_not_offered_is_refused_beside_its_field(case):
    row = case.row() if case.form_method == "edit" else None
    form, values = case.form(row), case.new_values()
    before = case.count()
    for name, field in case.fields().items():
        if isinstance(field, CHOICES) and not isinstance(field, BooleanField):
            for wrong in ("nonsense", "99999999", "\u3042" * 300):
                answer = case.post(case.form_method, case.answered(form, values | {name: wrong}), row)

                assert answer.status_code == 422, f"{case.name}.{name} takes {wrong!r}."
                assert Page(answer.text).error_of(name), f"{case.name}.{name}: what is wrong is not said beside it."
                assert case.count() == before


@screens("edit")
def test_a_form_in_which_nothing_was_changed_is_refused(case):
    row = case.row()
    before = case.audited()

    answer = case.post("edit", case.answered(case.form(row)), row)

    assert answer.status_code == 422
    assert "1つ以上の項目を変更してください。" in Page(answer.text).main.text
    assert case.audited() == before


@screens(unless=lambda screen: not has_form(screen))
def test_a_form_without_any_of_its_fields_is_refused_and_not_an_error(case):
    row = case.row() if case.form_method == "edit" else None
    before = case.audited()

    answer = case.post(case.form_method, {}, row)

    assert answer.status_code == 422
    assert case.audited() == before


def test_every_screen_is_walked(app):
    assert set(app.extensions["screens"]) == set(SCREENS)


def test_what_has_no_limit_exists(app, make, signed_in):
    named = {each.partition(".")[0] for each in NO_LIMIT}
    for name in named:
        fields = Case(app, make, signed_in, name).fields()
        assert {each.partition(".")[2] for each in NO_LIMIT if each.startswith(f"{name}.")} <= set(fields)
