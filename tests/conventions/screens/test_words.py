"""The words of screens: titles of windows, and both languages on every page that a screen can show."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from sqlalchemy import select

from models.accounts.user import User
from models.applications.application import ServiceDelivery
from models.applications.utm_application import UtmDelivery
from models.contracts.catalogue import Product, RatePlan
from models.customers.customer import Customer
from models.tenants.tenant import Tenant
from models.values.prefecture import PREFECTURES
from tests.conventions.messages import JAPANESE, english_in
from tests.conventions.screens.cases import SCREENS, Case, screens
from tests.support.pages import Page


def pages(case) -> dict[str, str]:
    """Every page of a screen that people see, those that refuse and ask included."""
    row = case.row()
    found = {}
    for route in case.routes():
        if route.verb == "GET":
            answer = case.client.get(case.url(route.name, row if route.has_row else None))
            if answer.mimetype == "text/html":
                found[route.name] = answer.text
    if "list" in found:
        found["nothing found"] = case.client.get(
            case.url("list", status="nonsense", name="nobody", email="nobody")
        ).text
    methods = case.screen.include_route_methods
    if "add" in methods:
        form = case.add_page().main_form
        values = case.new_values()
        found["add refused"] = case.post("add", case.answered(form, dict.fromkeys(values))).text
        found["add asked"] = case.post("add", form.sent(values)).text
    if "edit" in methods:
        form = case.form(row)
        found["unchanged"] = case.post("edit", case.answered(form), row).text
        name = next(name for name in form.visible_names if form.sent()[name])
        case.post("edit", case.answered(form, {name: "first"}), row)
        found["conflict"] = case.post("edit", case.answered(form, {name: "second"}), row).text
    return found


def data_of(case) -> list[str]:
    """What people typed, longest first."""
    tables = {
        Tenant,
        User,
        Customer,
        Product,
        RatePlan,
        ServiceDelivery,
        UtmDelivery,
        case.model,
        *([type(case.parent)] if case.parent is not None else []),
    }
    case.make.session.expire_all()
    rows = [row for table in tables for row in case.make.session.scalars(select(table))]
    typed = case.typed | {text for row in rows for text in vars(row).values() if isinstance(text, str)}
    return sorted(typed | set(PREFECTURES) | {"日本語"}, key=len, reverse=True)


@screens()
def test_in_japanese_no_page_shows_english_or_the_name_of_a_column(case, catalogue, used):
    columns = {*case.screen.list_columns, *(case.fields() if case.screen.form else ()), *dir(case.model)}
    found = pages(case)
    assert english_in(found, catalogue, used) == {}, "Translate these."
    for name, page in found.items():
        assert '<html lang="ja"' in page, name
        labels = {each.text for each in Page(page).root.all() if each.tag in {"label", "th", "dt"}}
        assert not labels & columns, f"{name} shows names of columns."
        assert not re.search(r"%\(\w+\)s", page), f"{name} shows a placeholder."


@screens()
def test_no_page_is_japanese_in_english(case):
    case.client.set_cookie("language", "en")
    found = pages(case)
    data = data_of(case)
    for name, page in found.items():
        left = page
        for each in data:
            left = left.replace(each, "")
        words = sorted(set(JAPANESE.findall(left)))
        assert not words, f"{name} shows {words} in English: write them in English, with _()."
        assert '<html lang="en"' in page, name


@pytest.mark.parametrize("language", ["ja", "en"])
def test_each_window_has_a_title_of_its_own(app, make, signed_in, language):
    titled = defaultdict(set)
    for name in SCREENS:
        case = Case(app, make, signed_in, name)
        case.client.set_cookie("language", language)
        row = case.row()
        for route in case.routes():
            if route.verb == "GET":
                answer = case.client.get(case.url(route.name, row if route.has_row else None))
                if answer.mimetype == "text/html":
                    titled[Page(answer.text).title].add(f"{name}.{route.name}")

    assert {title: sorted(pages) for title, pages in titled.items() if len(pages) > 1} == {}
