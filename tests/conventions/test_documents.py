"""Every file that the documents name exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUPERSEDED = "Status: superseded"
"""Of a decision that says how things were."""

DOCUMENTS = [
    path
    for path in sorted([*ROOT.glob("*.md"), ROOT / "NOTICE", *(ROOT / "docs").rglob("*.md")])
    if SUPERSEDED not in path.read_text(encoding="utf-8")
]
FOLDERS = ("app", "docs", "jobs", "migrations", "models", "samples", "tests", "translations", "views")
PATH = re.compile(rf"(?<![\w/.<>-])(?:{'|'.join(FOLDERS)})/(?:[\w-]+\.?/?)+(?<=[\w/])")
NAME = re.compile(r"`([\w-]+\.(?:css|html|ini|js|md|po|py|sql|toml|txt|yaml))`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
MADE = re.compile(r"^`([\w./-]+)`:$", re.MULTILINE)
"""A file that a guide tells its reader to make."""

DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
STATUS = re.compile(
    r"Status: (?:(?P<accepted>accepted)|(?P<superseded>superseded by \[\d+\]\([\w.-]+\)) on 20\d\d-\d\d-\d\d)"
    r"\. Date: (?P<date>20\d\d-\d\d-\d\d)"
)


@cache
def names() -> frozenset[str]:
    """Return the names of the files in the repository."""
    return frozenset(path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")) | {
        path.name for path in ROOT.iterdir()
    }


def missing(text: str, folder: Path) -> list[str]:
    """Return what a document names and the repository does not have.

    :param folder: the document's, which its links start from.
    """
    made = MADE.findall(text)
    paths = [path for path in PATH.findall(text) if not any(each.startswith(path) for each in made)]
    return [
        *(path for path in paths if not (ROOT / path).exists()),
        *(name for name in NAME.findall(text) if name not in names()),
        *(link for link in LINK.findall(text) if not (folder / link).exists()),
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_names_only_files_that_exist(document):
    assert missing(document.read_text(encoding="utf-8"), document.parent) == []


def test_what_is_gone_is_found_and_what_is_to_be_made_is_not_missed():
    text = (
        "See `models/db.py`, models/gone.py, views/screen/, `views/gone/`, `models/<area>/rules.py`, `pyproject.toml`, `gone.toml`,"
        " [links](README.md), [links](gone.md), [others](https://example.com/gone.md) and /api/models/gone.\n\n"
        "`views/new/new.py`:\n\n    views/new/ is made with it.\n"
    )

    assert missing(text, ROOT) == ["models/gone.py", "views/gone/", "gone.toml", "gone.md"]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.name)
def test_a_decision_has_a_status_and_a_date(decision):
    title, _, status = decision.read_text(encoding="utf-8").split("\n")[:3]

    assert title.startswith(f"# {int(decision.name[:4])}. ")
    assert STATUS.match(status)


def test_the_index_of_the_decisions_is_complete():
    expected = []
    for path in DECISIONS:
        title, _, status = path.read_text(encoding="utf-8").split("\n")[:3]
        number, _, name = title.removeprefix("# ").partition(". ")
        found = STATUS.match(status)
        expected.append(
            f"| {number} | [{name}]({path.name}) | {found['accepted'] or found['superseded']} | {found['date']} |"
        )
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")

    assert [line for line in index.splitlines() if re.match(r"\| \d", line)] == expected
