"""The search conditions of a list: declared once, read from the page's arguments, shown, and applied."""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import gettext, lazy_gettext

from models.values.phone import plain_hyphens
from models.values.visible_text import visible
from views.arguments import iso_day
from views.forms.fields import half_width, too_long

COMPARISONS = {"eq": operator.eq, "ne": operator.ne, "ge": operator.ge, "le": operator.le}
COMPARISON_LABELS = {
    "eq": lazy_gettext("Equals"),
    "ne": lazy_gettext("Differs from"),
    "ge": lazy_gettext("At least"),
    "le": lazy_gettext("At most"),
}
MATCH_LABELS = {
    "contains": lazy_gettext("Contains"),
    "starts": lazy_gettext("Starts with"),
    "is": lazy_gettext("Equals"),
}
_YEN = re.compile(r"-?[0-9]{1,12}")
_LONGEST = 250


class Option(NamedTuple):
    """A choice as the template shows it."""

    value: str
    label: Any
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """One search field as the template shows it.

    :param name: its page argument.
    :param label: translated when it is shown.
    :param value: as typed or chosen, empty for no condition.
    :param condition: what it asks for, None for nothing: also when it has an error, and is left out of the search.
    :param options: value and label of each choice, None for a text.
    :param help: what to type.
    :param suggestions: texts offered while typing; any other is taken too.
    :param kind: the type of the input.
    :param operators: value and label of each way to compare, where there are several; its argument is ``<name>_is``.
    :param operator: the one that is chosen.
    :param beside: whether it stands outside the menu of further conditions.
    :param wide: whether it takes the room that is left, outside the menu; a choice always does, unless it is ``needed``.
    :param needed: whether one of the options is always chosen, so that "All" is none of them.
    :param attributes: further attributes of the input.
    """

    name: str
    label: Any
    value: str = ""
    condition: Any = None
    options: Sequence[tuple[str, Any]] | None = None
    help: Any = None
    suggestions: Sequence[str] = ()
    error: str | None = None
    kind: str = "text"
    operators: Sequence[tuple[str, Any]] = ()
    operator: str = ""
    beside: bool = False
    wide: bool = False
    needed: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def grows(self) -> bool:
        """Whether it takes the room that is left beside the others."""
        return self.wide or (self.options is not None and not self.needed)

    @property
    def choices(self) -> list[Option]:
        """The options, and which of them is chosen."""
        return [Option(value, label, value == self.value) for value, label in self.options or ()]

    @property
    def told(self) -> tuple[Any, str]:
        """Its label, and what it asks for as people read it."""
        text = str(dict(self.options or ()).get(self.value, self.value))
        return self.label, f"{text} {dict(self.operators)[self.operator]}" if self.operators else text

    @property
    def arguments(self) -> list[str]:
        """Its page arguments."""
        return [self.name, f"{self.name}_is"] if self.operators else [self.name]


@dataclass(frozen=True, slots=True)
class Search:
    """The search fields of a list, filled in.

    :param deferred: whether the page is sent without the fields of the menu, which come when it is opened.
    :param opened: whether the menu is open.
    """

    filters: list[Filter]
    deferred: bool = False
    opened: bool = False

    @property
    def active(self) -> list[Filter]:
        """Those that ask for something."""
        return [each for each in self.filters if each.condition is not None]

    @property
    def conditions(self) -> list[Any]:
        """What they ask for, in SQL; all must hold."""
        return [each.condition for each in self.filters if each.condition is not None and each.condition is not True]

    def value(self, name: str) -> str:
        """Return what a field asks for, empty for nothing."""
        return next((each.value for each in self.active if each.name == name), "")


class DeclaredFilter(ABC):
    """A search field of a screen, by the name of its column.

    :param name: the column, and the page argument.
    :param label: as the screen's label of the column when it is not given.
    :param beside: show it outside the menu of further conditions.
    :param on: how to compare, given the column and the value, when it is not the column itself.
    :param attributes: further attributes of the input.
    """

    def __init__(
        self,
        name: str,
        label: Any = None,
        *,
        beside: bool = False,
        on: Callable[[Any], Any] | None = None,
        **attributes: str,
    ) -> None:
        self.name = name
        self.label = label
        self.beside = beside
        self.on = on
        self.attributes = attributes

    @abstractmethod
    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field as the page's arguments fill it in; nonsense is no condition.

        :param model: the table's class.
        :param label: of the column.
        """

    def _filter(self, label: Any, **values: Any) -> Filter:
        return Filter(self.name, self.label or label, beside=self.beside, attributes=self.attributes, **values)


class Part(DeclaredFilter):
    """A part of a text; % and _ mean themselves.

    :param most: how many characters may be looked for.
    :param clean: what is done with what was typed, before it is shown again.
    :param key: how the text is compared, when the column holds a form made for that: ``search_key`` for instance.
    :param column: that column.
    :param any_case: take upper and lower case for the same; a column that has one spelling of everything needs it not.
    :param operators: offer "starts with" and "equals" as well.
    """

    def __init__(  # noqa: PLR0913  (a declaration)
        self,
        name: str,
        label: Any = None,
        *,
        most: int = _LONGEST,
        clean: Callable[[str], str] = str.strip,
        key: Callable[[str], str] = str,
        column: str | None = None,
        any_case: bool = True,
        operators: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(name, label, **options)
        self.most = most
        self.clean = clean
        self.key = key
        self.column = column or name
        self.any_case = any_case
        self.operators = tuple(MATCH_LABELS.items()) if operators else ()

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field as the page's arguments fill it in."""
        value = self.clean(visible(args.get(self.name, "")))
        chosen = args.get(f"{self.name}_is", "")
        match = chosen if chosen in dict(self.operators) else "contains"
        given = {"value": value, "operators": self.operators, "operator": match}
        if len(value) > self.most:
            return self._filter(label, **given, error=too_long(self.most))
        if not value:
            return self._filter(label, **given)
        column = getattr(model, self.column)
        condition = self._meets(column, match, self.key(value), any_case=self.any_case)
        return self._filter(label, **given, condition=condition)

    @staticmethod
    def _meets(column: Any, match: str, value: str, *, any_case: bool) -> Any:
        if match == "starts":
            return column.istartswith(value, autoescape=True)
        if match == "is":
            return column == value
        return column.icontains(value, autoescape=True) if any_case else column.contains(value, autoescape=True)


class Choice(DeclaredFilter):
    """One of some values.

    :param labels: of each value, lazily translated; a function where the values are rows of a table.
    """

    def __init__(
        self,
        name: str,
        label: Any = None,
        *,
        labels: Mapping[Any, Any] | Callable[[], Mapping[Any, Any]],
        **options: Any,
    ) -> None:
        super().__init__(name, label, **options)
        self.labels = labels

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field as the page's arguments fill it in."""
        labels = self.labels() if callable(self.labels) else self.labels
        options = [(str(getattr(value, "value", value)), text) for value, text in labels.items()]
        value = args.get(self.name, "")
        if value not in dict(options):
            return self._filter(label, options=options)
        return self._filter(label, options=options, value=value, condition=self._meets(model, value))

    def _meets(self, model: Any, value: str) -> Any:
        return self.on(value) if self.on else getattr(model, self.name) == value


class YesNo(Choice):
    """A flag; one that was never written is not set."""

    def __init__(self, name: str, label: Any = None, **options: Any) -> None:
        super().__init__(name, label, labels={"y": lazy_gettext("Yes"), "n": lazy_gettext("No")}, **options)

    def _meets(self, model: Any, value: str) -> Any:
        column = getattr(model, self.name)
        return column.is_(True) if value == "y" else column.is_not(True)


class Day(DeclaredFilter):
    """One day."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field as the page's arguments fill it in."""
        day = iso_day(args.get(self.name))
        if day is None:
            return self._filter(label, kind="date")
        return self._filter(label, kind="date", value=day.isoformat(), condition=getattr(model, self.name) == day)


class Days(DeclaredFilter):
    """A first or a last day, or both: two fields, with ``_from`` and ``_to`` after the name."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field of the first day as the page's arguments fill it in."""
        return self.read_both(model, label, args)[0]

    def read_both(self, model: Any, label: Any, args: Mapping[str, str]) -> list[Filter]:
        """Return the two fields as the page's arguments fill them in."""
        column = getattr(model, self.name)
        ends = (("from", gettext("%(label)s from", label=label)), ("to", gettext("%(label)s to", label=label)))
        found = []
        for end, told in ends:
            name = f"{self.name}_{end}"
            day = iso_day(args.get(name))
            condition = None if day is None else (column >= day if end == "from" else column <= day)
            value = day.isoformat() if day else ""
            found.append(Filter(name, told, value, condition, kind="date", beside=self.beside))
        return found


class Yen(DeclaredFilter):
    """An amount of yen, compared as is chosen."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field as the page's arguments fill it in."""
        typed = visible(args.get(self.name, "")).strip()
        chosen = args.get(f"{self.name}_is", "")
        comparison = chosen if chosen in COMPARISONS else "eq"
        given = {"operators": tuple(COMPARISON_LABELS.items()), "operator": comparison}
        amount = _amount(typed)
        if amount is None:
            error = gettext("Enter a whole number of yen of up to 12 digits. It was left out of the search.")
            return self._filter(label, **given, value=typed, error=error if typed else None)
        condition = COMPARISONS[comparison](getattr(model, self.name), Decimal(amount))
        return self._filter(label, **given, value=f"¥{amount:,}", condition=condition)


def read_search(
    declared: Sequence[DeclaredFilter], model: Any, labels: Mapping[str, Any], args: Mapping[str, str]
) -> Search:
    """Return the search fields of a list as the page's arguments fill them in.

    :param labels: of the columns.
    """
    found: list[Filter] = []
    for each in declared:
        label = labels.get(each.name, each.name)
        if isinstance(each, Days):
            found += each.read_both(model, each.label or label, args)
        else:
            found.append(each.read(model, label, args))
    return Search(found)


def _amount(text: str) -> int | None:
    """An amount as people write it: with commas, a yen sign before it or 円 behind it."""
    plain = re.sub(r"[,¥\\\s]", "", plain_hyphens(half_width(text))).removesuffix("円")
    return int(plain) if _YEN.fullmatch(plain) else None
