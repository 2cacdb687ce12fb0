"""README.ja.md says the same as README.md: the same headings, commands, files, settings and pictures, in the same order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.documents.blocks import read

ROOT = Path(__file__).parents[2]
ENGLISH, JAPANESE = ROOT / "README.md", ROOT / "README.ja.md"
SCREENSHOTS = ("dashboard", "alerts", "security")
MAX_BYTES = 150_000
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)


def prose(path: Path) -> str:
    """Return a document without its code."""
    return FENCED.sub("", path.read_text(encoding="utf-8"))


def structure(path: Path) -> list[str]:
    """Return what begins the parts of a document: levels of headings, items of lists, columns of tables."""
    text = re.sub(r"<!--.*?-->", "", prose(path))
    return [
        found[0] if found[0] != "|" else "|" * line.count("|")
        for line in text.splitlines()
        if (found := re.match(r"#+|\d+\.|\|", line))
    ]


def commands(path: Path) -> list[dict[str, object]]:
    """Return the blocks of a document, whatever their place."""
    return [vars(block) | {"line": 0, "document": ""} for block in read(path, ROOT)]


def named(path: Path) -> dict[str, set[str]]:
    """Return the links, the code and the numbers that a document has in its text."""
    text = prose(path)
    code = {re.sub(r"\s+", " ", each) for each in re.findall(r"`([^`]+)`", text)}
    return {
        "links": set(re.findall(r"\]\(([^)]+)\)", text)) - {ENGLISH.name, JAPANESE.name},
        "code": code,
        "addresses": set(re.findall(r"[\w.]+@example\.jp", text)),
    }


def test_both_have_the_same_headings_lists_and_tables():
    assert structure(JAPANESE) == structure(ENGLISH)
    assert structure(ENGLISH).count("##") == 6


def test_both_have_the_same_blocks():
    assert commands(JAPANESE) == commands(ENGLISH)
    assert len(commands(ENGLISH)) >= 12


@pytest.mark.parametrize("what", ["links", "code", "addresses"])
def test_both_name_the_same(what):
    english, japanese = named(ENGLISH)[what], named(JAPANESE)[what]

    assert (english - japanese, japanese - english) == (set(), set())


def test_each_links_to_the_other():
    assert "](README.ja.md)" in ENGLISH.read_text(encoding="utf-8")
    assert "](README.md)" in JAPANESE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCREENSHOTS)
def test_pictures_are_small_and_as_wide_as_a_desk(name):
    path = ROOT / "docs" / "screenshots" / f"{name}.png"

    assert path.stat().st_size < MAX_BYTES
    with Image.open(path) as picture:
        assert picture.width == 1280
    assert f"](docs/screenshots/{name}.png)" in ENGLISH.read_text(encoding="utf-8")
