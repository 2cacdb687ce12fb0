"""Rows of a page that are alike but for a few words, written by one macro without running it for each.

A list of fifty alerts writes a thousand values, and Jinja escapes each by itself: that was a fifth of the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from types import SimpleNamespace
from typing import Any, NamedTuple

from flask import Flask
from markupsafe import Markup, escape

_MARK = "\0"
"""Beside what is filled in: no text in the database has it."""


def init_app(app: Flask) -> None:
    """Put ``repeated`` into the templates of an app."""
    app.jinja_env.globals["repeated"] = repeated


def repeated(macro: Callable[[Any], str], items: Sequence[Any], *kinds: str, **same: Any) -> Markup:
    """What a macro makes of each of many items, one after the other.

    It runs once for each kind of item: its result is the pattern that the texts of all items of that kind are filled into.

    :param macro: of one item. It writes the item's texts as they are: it neither asks about them nor filters them.
    :param items: named tuples of one class.
    :param kinds: the fields it asks about; all others are texts.
    :param same: more texts, that are the same for all items.
    :raises ValueError: a text cannot have come from the database.
    """
    if not items:
        return Markup()
    fields = type(items[0])._fields
    names = tuple(name for name in fields if name not in kinds)
    rows = _escaped(items, [fields.index(name) for name in names])
    everywhere = tuple(str(escape(text)) for text in same.values())
    kind_of = itemgetter(*(fields.index(name) for name in kinds)) if kinds else len
    patterns: dict[Any, _Pattern] = {}
    pieces = []
    for item, row in zip(items, rows, strict=True):
        kind = kind_of(item)
        pattern = patterns.get(kind)
        if pattern is None:
            asked = {name: getattr(item, name) for name in kinds}
            pattern = patterns[kind] = _pattern(macro, (*names, *same), asked)
        pieces.append(pattern.text % pattern.texts(row + everywhere))
    return Markup("".join(pieces))  # noqa: S704  (all that is filled in is escaped)


class _Pattern(NamedTuple):
    """What a macro makes of a kind of item.

    :ivar text: with a place for each text, a text as often as it is there.
    :ivar texts: puts an item's texts into the order of the places.
    """

    text: str
    texts: Callable[[tuple[str, ...]], Any]


def _escaped(items: Sequence[Any], places: list[int]) -> list[tuple[str, ...]]:
    """The texts of all items, escaped at once."""
    texts = [str(item[place]) for item in items for place in places]
    escaped = str(escape(_MARK.join(texts))).split(_MARK)
    if len(escaped) != len(texts):
        raise ValueError("A text with a NUL cannot be shown.")
    return list(zip(*[iter(escaped)] * len(places), strict=True))


def _pattern(macro: Callable[[Any], str], names: tuple[str, ...], asked: Mapping[str, Any]) -> _Pattern:
    slots = {name: f"{_MARK}{name}{_MARK}" for name in names}
    # Between two marks stands a name, outside of them what is always the same.
    outside, *rest = str(macro(SimpleNamespace(**asked, **slots))).split(_MARK)
    found, after = rest[::2], rest[1::2]
    text = outside.replace("%", "%%") + "".join(f"%s{piece.replace('%', '%%')}" for piece in after)
    return _Pattern(text, _picked(tuple(names.index(name) for name in found)))


def _picked(places: tuple[int, ...]) -> Callable[[tuple[str, ...]], Any]:
    return itemgetter(*places) if places else lambda _: ()
