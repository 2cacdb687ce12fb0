"""docs/security-verification.md is complete and true: every requirement has its row, and the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security-verification.md"
ROW = re.compile(r"^\| (?P<numbers>\d[\d., –]*) \| (?P<subject>[^|]+) \| (?P<proof>[^|]+) \|$", re.MULTILINE)
REASONS = ("By design: ", "Operators: ", "Not applicable: ", "Not met: ")
# How many requirements each section of ASVS 5.0 has at levels 1 and 2.
SECTIONS = """
1.1: 2, 1.2: 9, 1.3: 11, 1.4: 3, 1.5: 2, 2.1: 3, 2.2: 3, 2.3: 4, 2.4: 1, 3.2: 2, 3.3: 4, 3.4: 6, 3.5: 5, 3.7: 2,
4.1: 3, 4.2: 1, 4.3: 2, 4.4: 4, 5.1: 1, 5.2: 3, 5.3: 2, 5.4: 3, 6.1: 3, 6.2: 12, 6.3: 4, 6.4: 4, 6.5: 5, 6.6: 3,
6.8: 4, 7.1: 3, 7.2: 4, 7.3: 2, 7.4: 5, 7.5: 2, 7.6: 2, 8.1: 2, 8.2: 3, 8.3: 1, 8.4: 1, 9.1: 3, 9.2: 4, 10.1: 2,
10.2: 2, 10.3: 4, 10.4: 11, 10.5: 5, 10.6: 2, 10.7: 3, 11.1: 2, 11.2: 3, 11.3: 3, 11.4: 4, 11.5: 1, 11.6: 1,
12.1: 3, 12.2: 2, 12.3: 4, 13.1: 1, 13.2: 5, 13.3: 2, 13.4: 5, 14.1: 2, 14.2: 4, 14.3: 3, 15.1: 3, 15.2: 3, 15.3: 7,
16.1: 1, 16.2: 5, 16.3: 4, 16.4: 3, 16.5: 3, 17.1: 1, 17.2: 4, 17.3: 2
"""
REQUIREMENTS = [
    f"{section}.{number}"
    for section, many in re.findall(r"([\d.]+): (\d+)", SECTIONS)
    for number in range(1, int(many) + 1)
]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return [match.groupdict() for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))]


def requirements(numbers: str) -> list[str]:
    """Return the requirements of a row, such as ``1.2.6–1.2.8, 1.3.1``."""
    found = []
    for part in numbers.split(", "):
        first, _, last = part.partition("–")
        found += REQUIREMENTS[REQUIREMENTS.index(first) : REQUIREMENTS.index(last or first) + 1]
    return found


def test_every_requirement_has_one_row(rows):
    named = [each for row in rows for each in requirements(row["numbers"])]

    assert sorted(named) == sorted(REQUIREMENTS)


def test_every_row_names_tests_that_exist_or_a_reason(rows):
    for row in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row["proof"])
        assert tests or row["proof"].startswith(REASONS), f"{row['numbers']}: name a test, or one of {REASONS}."
        assert row["proof"].count("::") == len(tests), f"{row['numbers']} names a test in another form."
        for file, function in tests:
            assert (ROOT / file).is_file(), f"{row['numbers']} names {file}, which is gone."
            text = (ROOT / file).read_text(encoding="utf-8")
            assert f"def {function}(" in text, f"{row['numbers']} names {function}, which is gone."
