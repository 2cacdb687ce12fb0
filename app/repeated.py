"""Rows of a page that are alike but for a few words, written by one macro without running it for each.

A list of fifty alerts writes a thousand values, and Jinja escapes each by itself: that was a fifth of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from types import SimpleNamespace
from typing import Any

from flask import Flask
from markupsafe import Markup, escape

_MARK = "\0"
"""Beside what is filled in: no text in the database has it."""


def init_app(app: Flask) -> None:
    """Put ``repeated`` into the templates of an app."""
    app.jinja_env.globals["repeated"] = repeated


def repeated(macro: Callable[[Any], str], items: Sequence[Any], *kinds: str) -> Markup:
    """What a macro makes of each of many items, one after the other.

    It runs once for each kind of item; its result is the pattern the others' texts are filled into.

    :param macro: of one item. It writes the item's texts as they are: it neither asks about them nor filters them.
    :param items: named tuples of one class.
    :param kinds: the fields it asks about; all others are texts.
    :raises ValueError: a text cannot have come from the database.
    """
    if not items:
        return Markup()
    fields = type(items[0])._fields
    names = [name for name in fields if name not in kinds]
    rows = _escaped(items, [fields.index(name) for name in names])
    kind_of = itemgetter(*(fields.index(name) for name in kinds)) if kinds else len
    patterns: dict[Any, str] = {}
    pieces = []
    for item, row in zip(items, rows, strict=True):
        kind = kind_of(item)
        if kind not in patterns:
            patterns[kind] = _pattern(macro, names, {name: getattr(item, name) for name in kinds})
        pieces.append(patterns[kind] % dict(zip(names, row, strict=True)))
    return Markup("".join(pieces))  # noqa: S704  (all that is filled in is escaped)


def _escaped(items: Sequence[Any], places: list[int]) -> list[tuple[str, ...]]:
    """The texts of all items, escaped at once."""
    texts = [str(item[place]) for item in items for place in places]
    escaped = str(escape(_MARK.join(texts))).split(_MARK)
    if len(escaped) != len(texts):
        raise ValueError("A text with a NUL cannot be shown.")
    return list(zip(*[iter(escaped)] * len(places), strict=True))


def _pattern(macro: Callable[[Any], str], names: Sequence[str], asked: dict[str, Any]) -> str:
    slots = {name: f"{_MARK}{name}{_MARK}" for name in names}
    pattern = str(macro(SimpleNamespace(**asked, **slots))).replace("%", "%%")
    for name, slot in slots.items():
        pattern = pattern.replace(slot, f"%({name})s")
    return pattern
