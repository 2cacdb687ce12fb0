"""The messages of the code and their Japanese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from app.security import ROLES

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "translations" / "ja" / "LC_MESSAGES" / "messages.po"
# Kana and kanji, with the marks that only stand among them.
JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f々〆。、「」・ー]+")
_KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}


def read_catalogue() -> Catalog:
    """The Japanese catalogue."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="ja")


def used_messages() -> set[str]:
    """Every message of the code and the templates, in English."""
    found = set()
    for folder in ("app", "models", "views", "jobs"):
        methods = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("templates/**.html", "jinja2")]
        for _, _, message, _, _ in extract_from_dir(ROOT / folder, methods, keywords=_KEYWORDS):
            found.add(message[0] if isinstance(message, tuple) else message)
    return found


def ids(message: Message) -> tuple[str, ...]:
    """The English of a message: one sentence, or one for one and one for many."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def japanese(message: Message) -> str:
    """The Japanese of a message, which makes no difference between one and many."""
    return message.string if isinstance(message.string, str) else message.string[0]


def english_in(pages: Mapping[str, str], catalogue: Catalog, used: set[str]) -> dict[str, list[str]]:
    """The sentences that have a Japanese and stand on Japanese pages in English, by the names of these pages."""
    # The names of roles are the same in every language; the menu has a group that is called like one.
    sentences = {each for each in used if " " in each and "%" not in each} - set(ROLES)
    translated = [each for each in sentences if japanese(catalogue.get(each)) != each]
    wanted = {line for each in translated for line in each.splitlines() if " " in line}
    # Most lines are on many pages.
    lines = "\n".join({line for page in pages.values() for line in page.splitlines()})
    found = [each for each in wanted if each in lines]
    return {name: shown for name, page in pages.items() if (shown := [each for each in found if each in page])}
