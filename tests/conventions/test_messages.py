"""Every message is translated, and the compiled catalogue is that of the source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from tests.conventions.test_pages import pages

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "translations" / "ja" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}


@pytest.fixture(scope="module")
def catalogue():
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="ja")


@pytest.fixture(scope="module")
def used() -> set[str]:
    found = set()
    for room in ("app", "models", "views", "jobs"):
        methods = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("templates/**.html", "jinja2")]
        for _, _, message, _, _ in extract_from_dir(ROOT / room, methods, keywords=KEYWORDS):
            found.add(message[0] if isinstance(message, tuple) else message)
    return found


def test_every_message_has_its_japanese(catalogue, used):
    missing = sorted(message for message in used if not (catalogue.get(message) and catalogue.get(message).string))

    assert not missing, f"Give these their Japanese in {CATALOGUE.relative_to(ROOT)} (make messages): {missing}"


def test_no_translation_is_left_of_a_message_that_is_gone(catalogue, used):
    gone = sorted(message.id for message in catalogue if message.id and message.id not in used)

    assert not gone, f"Take these out of {CATALOGUE.relative_to(ROOT)} (make messages): {gone}"


def test_placeholders_are_the_same_in_both_languages(catalogue):
    pattern = re.compile(r"%\(\w+\)s")
    for message in catalogue:
        if message.id:
            assert sorted(pattern.findall(message.id)) == sorted(pattern.findall(message.string)), message.id


def test_the_compiled_catalogue_is_up_to_date(catalogue):
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled = {message.id: message.string for message in read_mo(file) if message.id}

    assert compiled == {message.id: message.string for message in catalogue if message.id}, "Run `make messages`."


def test_no_page_shows_an_english_message(app, world, catalogue, used):
    long = [each for each in used if " " in each and "%" not in each and catalogue.get(each).string != each]
    for route, page in pages(app, world):
        shown = [message for message in long if message in page]
        assert not shown, f"{route} shows {shown} untranslated."
