"""Tests in the browser wait for what they check: a page is not there yet when a click returns."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READINGS = {
    "all_inner_texts",
    "all_text_contents",
    "count",
    "get_attribute",
    "inner_text",
    "input_value",
    "is_checked",
    "is_disabled",
    "is_editable",
    "is_enabled",
    "is_hidden",
    "is_visible",
    "text_content",
    "title",
}
"""What Playwright reads at once, whatever the page shows at that moment; `expect` waits."""


def readings(source: str) -> list[int]:
    """Return the lines whose assertion reads the page at once."""
    return [
        statement.lineno
        for statement in ast.walk(ast.parse(source))
        if isinstance(statement, ast.Assert) and any(is_reading(each) for each in ast.walk(statement.test))
    ]


def is_reading(node: ast.AST) -> bool:
    """Return whether the node calls a method that reads the page at once. With an argument, `count` is that of a text."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in READINGS and not (node.func.attr == "count" and node.args)


@pytest.mark.parametrize("path", sorted((ROOT / "tests/browser").glob("*.py")), ids=lambda path: path.stem)
def test_assertions_wait(path):
    assert readings(path.read_text()) == []


def test_a_reading_is_found():
    assert readings('x = 1\nassert "a" in page.locator("b").inner_text()') == [2]
    assert readings('assert words.count("a") == 2') == []
    assert readings('expect(page.locator("b")).to_contain_text("a")\nassert x == page') == []
