"""The measured parts of docs/performance.md: what is between the marks of a part is replaced, the rest is written by people.

Each part of the benchmarks has marks of its own, as have ``make load`` and ``make chaos``: what was not measured stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from config import ROOT
from tests.bench.finding import Finding

PAGE = ROOT / "docs" / "performance.md"


def write(measured: str, page: Path = PAGE, *, part: str) -> None:
    """Replace the tables of a part in the page.

    :param part: the name in the marks.
    :raises ValueError: the page has no such marks.
    """
    begin, end = f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->\n"
    text = page.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{page.name} has no marks of the part {part}.")
    page.write_text(f"{before}{begin}\n{measured}\n{end}{after}", encoding="utf-8")


def run_table(about: Mapping[str, str]) -> str:
    """What was measured on and with."""
    return _table(("", ""), [(name, value) for name, value in about.items()])


def section(title: str, about: str, findings: Sequence[Finding]) -> str:
    """A part's heading, what it compares, and its table."""
    headings = ("", *findings[0].figures, "limit", "held")
    rows = [
        (
            each.name,
            *(each.figures.get(name, "") for name in findings[0].figures),
            each.limit,
            "yes" if each.held else "**no**",
        )
        for each in findings
    ]
    return f"## {title}\n\n{about}\n\n{_table(headings, rows)}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
