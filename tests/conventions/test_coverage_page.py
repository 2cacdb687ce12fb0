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
NOT_YET = "not yet"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return [
        {name: text.strip() for name, text in match.groupdict().items()} for match in ROW.finditer(PAGE.read_text())
    ]


def test_every_section_of_the_manual_has_one_row(rows):
    assert [row["section"] for row in rows] == list(SECTIONS)


def test_every_route_named_exists(app, rows):
    existing = {str(route) for route in routes(app)}
    for row in rows:
        for named in re.findall(r"`([^`]+)`", row["route"]):
            assert named in existing, f"§{row['section']} names the route {named}, which is gone."


def test_every_test_named_exists(rows):
    for row in rows:
        for named in re.findall(r"`([^`]+)`", row["test"]):
            name, _, function = named.partition("::")
            assert (ROOT / name).is_file(), f"§{row['section']} names {name}, which is gone."
            assert f"def {function}(" in (ROOT / name).read_text(), f"§{row['section']} names {named}, which is gone."


def test_a_section_with_a_route_has_a_test(rows):
    for row in rows:
        assert ("`" in row["route"]) == ("`" in row["test"]), f"§{row['section']}: a route and the test that proves it."
        assert "`" in row["route"] or row["route"] == NOT_YET, f"§{row['section']}: a route, or '{NOT_YET}'."
