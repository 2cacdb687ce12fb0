"""docs/coverage.md is true: its routes and tests exist, and every section of the manual has its row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conventions.routes import routes

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "coverage.md"
ROW = re.compile(r"^\| (?P<section>[0-9.()]+) [^|]*\| (?P<route>[^|]*)\| (?P<test>[^|]*)\|", re.MULTILINE)
# The numbered sections of the manual, its introduction left out.
SECTIONS = (
    *("2.1", "2.2", "3.1", "4.1", "4.2", "5.1", "5.2", "5.3", "5.4", "5.4.1", "5.4.2", "5.4.3", "6.1"),
    *("7.1", "7.2", "7.3", "7.4.1", "7.4.2", "7.4.3", "7.4.4", "7.4.5"),
    *("7.5.1", "7.5.2", "7.5.3", "7.5.4", "7.5.5", "7.6", "7.6.1", "7.6.2", "7.6.3", "7.6.4", "7.7"),
    *("7.8", "7.9", "7.10", "7.11", "7.12.1", "7.12.2", "7.12.3", "7.13", "7.14", "7.15", "7.16", "7.17.1", "7.17.2"),
    *("8.1", "8.2.1", "8.2.2", "8.2.3", "8.2.4", "8.3.1", "8.3.2", "8.3.3", "8.3.4"),
    *("9.1", "10.1", "11.1", "11.2", "12", "13.1", "13.2"),
)
# Those that describe no function, and the headings of others.
WITHOUT_FUNCTION = ("1.1", "1.2", "1.3", "1.4", "1.5", "7.4", "7.5", "7.12", "7.17", "8.2", "8.3")
OTHER_ROW = re.compile(r"^\| (?P<section>[0-9.]+) [^|]*\| [^|`]+\|$", re.MULTILINE)
ROUTE = re.compile(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`]*)`")
TEST = re.compile(r"`(tests/[^`]+)`")


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return [
        {name: text.strip() for name, text in match.groupdict().items()} for match in ROW.finditer(PAGE.read_text())
    ]


def test_every_section_of_the_manual_has_one_row(rows):
    assert [row["section"] for row in rows] == list(SECTIONS)


def test_sections_without_a_function_are_listed_too():
    assert tuple(row["section"] for row in OTHER_ROW.finditer(PAGE.read_text())) == WITHOUT_FUNCTION


def test_every_route_named_exists(app):
    existing = {str(route) for route in routes(app)}
    named = ROUTE.findall(PAGE.read_text())

    assert len(named) > len(SECTIONS)
    assert [route for route in named if route not in existing] == []


def test_every_test_named_exists():
    named = TEST.findall(PAGE.read_text())
    assert len(named) > len(SECTIONS)
    for each in named:
        name, _, function = each.partition("::")
        assert (ROOT / name).is_file(), f"{name} is gone."
        assert not function or f"def {function}(" in (ROOT / name).read_text(), f"{each} is gone."


def test_every_section_has_a_route_and_the_test_that_proves_it(rows):
    assert [row["section"] for row in rows if not (ROUTE.search(row["route"]) and TEST.search(row["test"]))] == []
