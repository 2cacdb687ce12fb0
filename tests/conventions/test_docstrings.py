"""Public classes, functions and methods say what they are for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(path for folder in ("app", "models", "views", "jobs") for path in (ROOT / folder).rglob("*.py"))
# What a framework calls by a name of its own choosing.
SILENT = {"upgrade", "downgrade"}


def undocumented(source: str) -> list[str]:
    """The public names in a module that have no docstring."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            if not ast.get_docstring(node) and node.name not in SILENT:
                found.append(node.name)
            if isinstance(node, ast.ClassDef):
                found += [
                    f"{node.name}.{each.name}"
                    for each in node.body
                    if isinstance(each, ast.FunctionDef)
                    and not each.name.startswith("_")
                    and not ast.get_docstring(each)
                ]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_say_what_they_are_for(path):
    assert undocumented(path.read_text()) == []


def test_the_tester_sees_what_is_missing():
    source = '"""A module."""\n\ndef display_value():\n    """What for."""\n\ndef unsaid():\n    pass\n\ndef _own():\n    pass\n'

    assert undocumented(source) == ["unsaid"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400, "Split it."
