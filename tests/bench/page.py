"""The measured part of docs/performance.md: what stands between two marks of it is written anew, the rest is people's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from config import ROOT
from tests.bench.finding import Finding

PAGE = ROOT / "docs" / "performance.md"
_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def write(measured: str, page: Path = PAGE) -> None:
    """Put the tables of a run into the page."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n{measured}\n{_END}{after}", encoding="utf-8")


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
