"""Lists: invalid arguments, their way back, their file, and what they cost."""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.conventions.screens.cases import has_no_text, is_named_by_text, is_of_no_tenant, is_of_the_code, screens
from tests.conventions.test_invalid_arguments import INVALID
from tests.support.pages import Page
from views.screen.filters import Part

MAX_STATEMENTS = 8
MORE_STATEMENTS = {
    "CustomerView.show": 14,
    "ServiceApplicationView.show": 14,
    "RatePlanView.show": 9,
    "UserView.show": 9,
}
"""Pages that gather what several areas know, and the history of changes."""

MANY = 30
# Names that url_for and the screens' own url() take for something else than page arguments.
NAMES = (
    "_anchor",
    "_external",
    "_method",
    "_scheme",
    "endpoint",
    "method",
    "row",
    "self",
    "values",
    "csv",
    "back",
    "pk",
)
ELSEWHERE = (
    "//elsewhere.example/",
    "https://elsewhere.example/",
    "javascript:alert(1)",
    "/customers/",
    "%2f%2felsewhere",
)
FORMULAS = {"=1+1", "+1@example.jp", "-1@example.jp", "@SUM(A1)", "\u3000=1", "＝1+1"}


def fill(case, count: int) -> None:
    """Make as many rows as a list may have at the least."""
    if not is_of_the_code(type(case.screen)):
        for _ in range(count):
            case.row()


def _without_page(case) -> set[str]:
    return {"add"} if case.screen.add_on_list else set()


def in_order(page: str) -> list[str]:
    """The texts of the rows. Nothing else of the page is parsed, because this is asked of hundreds of pages."""
    bodies = Page("".join(re.findall(r"<tbody.*?</tbody>", page, re.DOTALL)))
    return [row.text for row in bodies.root.all("tr")]


@screens("list")
def test_invalid_arguments_give_the_first_page_and_no_error(case):
    case.row()
    first_page = case.client.get(case.url("list"))
    assert first_page.status_code == 200
    plain = in_order(first_page.text)
    with case.request():
        arguments = [name for each in case.screen.search().filters for name in each.arguments]
    for word in INVALID:
        about_the_list = dict.fromkeys(("sort", "direction", "page", "size", "back", "open"), word)
        conditions = dict.fromkeys([*arguments, "status"], word)
        asked = [conditions, conditions | {"csv": word}]
        if len(quote(word)) * len(conditions) > 3000:
            # All of them would be longer than an address may be.
            asked = [{name: word} for name in conditions]
        for query in (about_the_list, *asked):
            answer = case.client.get(case.url("list"), query_string=query)
            assert answer.status_code == (400 if "\0" in word else 200), f"{word!r} answers {answer.status_code}"
            if query is about_the_list and answer.status_code == 200:
                assert in_order(answer.text) == plain, f"{word!r} shows other rows."


@screens()
def test_names_of_arguments_lead_nowhere_else(case):
    row = case.row()
    query = dict.fromkeys(NAMES, "javascript")
    for route in case.routes():
        if route.verb == "GET":
            url = case.url(route.name, row if route.has_row else None)
            answer = case.client.get(url, query_string=query | {"back": urlencode(query)})
            assert answer.status_code == 200, f"{route.rule} answers {answer.status_code}"
            for link in Page(answer.text).links:
                assert urlsplit(link).scheme in {"", "mailto", "tel"}, link
                assert urlsplit(link).netloc == "", link


@pytest.mark.parametrize("back", ELSEWHERE)
@screens("edit", unless=has_no_text)
def test_what_is_said_to_be_the_list_leads_nowhere_else(case, back):
    row = case.row()
    page = Page(case.client.get(case.url("edit", row), query_string={"back": back}).text)
    form = page.main_form
    changed = {next(name for name in form.visible_names if form.sent()[name]): "別の名前"}

    answer = case.post("edit", case.answered(form, changed), row)

    assert answer.status_code == 302
    assert urlsplit(answer.location).netloc in {"", "localhost"}
    assert urlsplit(answer.location).path in {
        case.url("show", row) if "show" in case.screen.include_route_methods else "",
        case.url_of_list(),
    }
    assert all(urlsplit(link).netloc in {"", "localhost"} for link in page.links)


@screens("list", "edit", unless=has_no_text)
def test_after_a_change_one_is_back_on_the_list_as_it_was(case):
    row = case.row()
    sort = (case.screen.order_columns or [""])[-1]
    shown = {"sort": [sort], "direction": ["desc"], "size": ["50"]} if sort else {"size": ["50"]}
    listed = case.page("list", **{name: each[0] for name, each in shown.items()})
    edit = next(link for link in listed.links if urlsplit(link).path == case.url("edit", row))

    form = Page(case.client.get(edit).text).main_form
    changed = {next(name for name in form.visible_names if form.sent()[name]): "別の名前"}
    location = case.client.post(edit, data=case.answered(form, changed)).location
    if urlsplit(location).path != case.url("list"):
        ways = [link for link in Page(case.client.get(location).text).links if urlsplit(link).path == case.url("list")]
        location = next(link for link in ways if urlsplit(link).query)

    assert parse_qs(urlsplit(location).query) == shown


@screens("list", "delete")
def test_after_deleting_one_is_back_on_the_list_as_it_was(case):
    row = case.row()
    listed = case.page("list", direction="desc", size="50")
    form = listed.form_to(case.url("delete", row))

    answer = case.client.post(form.action, data=case.answered(form))

    assert urlsplit(answer.location).path == case.url("list")
    assert parse_qs(urlsplit(answer.location).query) == {"direction": ["desc"], "size": ["50"]}


def file_of(case, **query) -> list[dict[str, str]]:
    answer = case.client.get(case.url("list"), query_string={"csv": "1", **query})
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.data.startswith("\ufeff".encode()), "Spreadsheets need the byte order mark."
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


@screens("list", unless=lambda screen: not screen.csv)
def test_the_file_has_the_rows_of_the_list_in_its_order(case):
    fill(case, 3)
    for query in ({}, {"sort": (case.screen.order_columns or ["x"])[0], "direction": "desc"}):
        page = case.page("list", size="100", **query)
        with case.request():
            names = case.screen.file_columns or case.screen.list_columns
            columns = [str(case.screen.label_of(name)) for name in names]
        rows = file_of(case, **query)

        assert list(rows[0]) == columns
        assert len(rows) == len(page.rows) or len(rows) > len(page.rows) == 100
        for row, shown in zip(rows, page.rows, strict=False):
            assert row[columns[0]].removeprefix("'") in shown[columns[0]]


@screens("list", unless=lambda screen: not screen.csv or not any(isinstance(each, Part) for each in screen.filters))
def test_the_file_has_the_rows_that_the_search_left(case):
    fill(case, 3)
    row = case.row()
    # A name differs from row to row, which not every text does.
    parts = [each for each in reversed(case.screen.filters) if isinstance(each, Part)]
    parts.sort(key=lambda each: each.name != case.screen.named_by)
    part = next(each for each in parts if isinstance(getattr(row, each.name), str))
    query = {part.name: getattr(row, part.name)}

    page = case.page("list", **query)

    assert len(page.rows) < case.count()
    assert len(file_of(case, **query)) == len(page.rows) >= 1


@screens("list", unless=lambda screen: not screen.csv or is_of_no_tenant(screen))
def test_the_file_has_no_rows_of_another_tenant(case):
    ours, theirs = case.row(), case.theirs()

    text = str(file_of(case))

    assert case.screen.name_of(ours) in text
    assert case.screen.name_of(theirs) not in text


@screens(
    "list",
    unless=lambda screen: (
        not screen.csv or is_of_the_code(screen) or not is_named_by_text(screen) or screen.named_by == "id"
    ),
)
def test_no_cell_of_the_file_is_a_formula(case):
    for formula in FORMULAS:
        case.row(**{case.screen.named_by: formula})

    cells = {cell for row in file_of(case) for cell in row.values()}

    assert {f"'{formula}" for formula in FORMULAS} <= cells
    assert not cells & FORMULAS


@screens("list")
def test_a_list_costs_as_many_statements_with_many_rows_as_with_few(case, statements):
    fill(case, 2)
    case.page("list")
    costs = []
    for more in (0, MANY):
        fill(case, more)
        statements.clear()
        case.page("list", size="100")
        costs.append(len(statements))

    assert costs[0] == costs[1] <= MAX_STATEMENTS, statements


@screens(unless=lambda screen: not {"show", "edit", "add"} & screen.include_route_methods)
def test_the_page_of_a_row_and_its_forms_cost_as_many_with_many_rows_as_with_few(case, statements):
    row = case.row()
    case.make.session.expire_all()
    methods = sorted({"show", "edit", "add"} & case.screen.include_route_methods - _without_page(case))
    urls = {method: case.url(method, None if method == "add" else row) for method in methods}
    costs: list[dict[str, int]] = []
    for more in (0, 0, MANY):
        fill(case, more)
        cost = {}
        for method, url in urls.items():
            statements.clear()
            assert case.client.get(url).status_code == 200
            cost[method] = len(statements)
        costs.append(cost)

    assert costs[2] == costs[1]
    most = MORE_STATEMENTS.get(f"{type(case.screen).__name__}.show", MAX_STATEMENTS)
    assert max(costs[2].values()) <= most, costs[2]
