"""The search fields of a list: their declaration, parsing from the query parameters and SQL conditions."""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import gettext, lazy_gettext

from models import clock
from models.name_key import key_of
from models.text_part import has_part, has_part_in_any_case
from models.values.person_name import person_key
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
    """An option of a select field, for the template."""

    value: str
    label: Any
    chosen: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """A search field with its value, for the template.

    :param name: the query parameter.
    :param label: the label, translated when displayed.
    :param value: the entered or selected value, empty for none.
    :param condition: the SQL condition; True if the screen applies it itself; None for an empty field, or for one with an
        error, which the search ignores.
    :param options: value and label of each option of a select field, None for a text input.
    :param help: the help text.
    :param suggestions: suggested values of a text input, which accepts other values too.
    :param error: the error message.
    :param kind: the type of the input.
    :param operators: value and label of each comparison operator to choose from; the query parameter is ``<name>_is``.
    :param operator: the selected operator.
    :param beside: whether the field is displayed outside the menu of further conditions.
    :param wide: whether the field takes up the remaining width outside the menu; a select field always does, unless it is
        ``needed``.
    :param needed: whether a value is required, so that the select field has no option "All".
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
        """Whether the field takes up the remaining width."""
        return self.wide or (self.options is not None and not self.needed)

    @property
    def choices(self) -> list[Option]:
        """The options of a select field, with the selected one marked."""
        return [Option(value, label, value == self.value) for value, label in self.options or ()]

    @property
    def summary(self) -> tuple[Any, str]:
        """The label and the condition as displayed to the user."""
        text = str(dict(self.options or ()).get(self.value, self.value))
        return self.label, f"{text} {dict(self.operators)[self.operator]}" if self.operators else text

    @property
    def arguments(self) -> list[str]:
        """The names of its query parameters."""
        return [self.name, f"{self.name}_is"] if self.operators else [self.name]


@dataclass(frozen=True, slots=True)
class Search:
    """The search fields of a list with their values.

    :param deferred: whether the page omits the fields of the menu, which are loaded when the menu is opened.
    :param opened: whether the menu is open.
    """

    filters: list[Filter]
    deferred: bool = False
    opened: bool = False

    @property
    def active(self) -> list[Filter]:
        """The fields that have a condition."""
        return [each for each in self.filters if each.condition is not None]

    @property
    def conditions(self) -> list[Any]:
        """The SQL conditions, all of which a row must meet."""
        return [each.condition for each in self.filters if each.condition is not None and each.condition is not True]

    def value(self, name: str) -> str:
        """Return the value of a field, empty if the field has no condition."""
        return next((each.value for each in self.active if each.name == name), "")


class DeclaredFilter(ABC):
    """The declaration of a search field of a screen.

    :param name: the name of the column and of the query parameter.
    :param label: the label; defaults to the screen's label of the column.
    :param beside: whether to display the field outside the menu of further conditions.
    :param on: returns the SQL condition for a selected value, if the condition is not that the column has this value.
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
        """Return the field with its value from the query parameters; an invalid value gives no condition.

        :param model: the class of the table.
        :param label: the label of the column.
        :param args: the query parameters.
        """

    def _filter(self, label: Any, **values: Any) -> Filter:
        return Filter(self.name, self.label or label, beside=self.beside, attributes=self.attributes, **values)


class Part(DeclaredFilter):
    """A substring search; % and _ are not wildcards.

    :param most: the maximum length of the search text.
    :param clean: normalizes the input, also for display.
    :param key: converts the search text to the format of a column made for searching, for instance ``search_key``.
    :param column: the column to search, if its name differs from ``name``.
    :param any_case: whether to ignore case; not necessary for a column with normalized case.
    :param operators: whether to offer "starts with" and "equals" as well.
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
        """Return the field with its value from the query parameters."""
        value = self.clean(visible(args.get(self.name, "")))
        chosen = args.get(f"{self.name}_is", "")
        match = chosen if chosen in dict(self.operators) else "contains"
        given = {"value": value, "operators": self.operators, "operator": match}
        if len(value) > self.most:
            return self._filter(label, **given, error=too_long(self.most))
        if not value:
            return self._filter(label, **given)
        key = self.key(value)
        if not key:
            # Of a text without anything to compare, every row would have a part.
            return self._filter(label, **given)
        condition = self._meets(getattr(model, self.column), match, key, any_case=self.any_case)
        return self._filter(label, **given, condition=condition)

    @staticmethod
    def _meets(column: Any, match: str, value: str, *, any_case: bool) -> Any:
        if match == "starts":
            return column.istartswith(value, autoescape=True)
        if match == "is":
            return column == value
        return has_part_in_any_case(column, value) if any_case else has_part(column, value)


class NamePart(Part):
    """A search for a part of a name; blanks, width, case and character variants are ignored.

    The database normalizes the names of all rows during the search. A large table has a column for it: with ``key`` and
    ``column``, an ordinary ``Part`` searches that.
    """

    def __init__(self, name: str, label: Any = None, **options: Any) -> None:
        super().__init__(name, label, key=person_key, any_case=False, **options)

    @staticmethod
    def _meets(column: Any, match: str, value: str, *, any_case: bool) -> Any:
        return Part._meets(key_of(column), match, value, any_case=any_case)  # noqa: SLF001  (of its own base class)


class IdPart(Part):
    """A search for a part of an ID with capital letters, typed in any case and width.

    :param most: the length of the IDs.
    """

    def __init__(self, name: str, label: Any = None, *, most: int, **options: Any) -> None:
        super().__init__(
            name, label, most=most, any_case=False, clean=lambda typed: half_width(typed).upper(), **options
        )


class Choice(DeclaredFilter):
    """A choice of one of several values.

    :param labels: the label of each value, lazily translated; a function if the values are rows of a table.
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
        """Return the field with its value from the query parameters."""
        labels = self.labels() if callable(self.labels) else self.labels
        options = [(str(getattr(value, "value", value)), text) for value, text in labels.items()]
        value = args.get(self.name, "")
        if value not in dict(options):
            return self._filter(label, options=options)
        return self._filter(label, options=options, value=value, condition=self._meets(model, value))

    def _meets(self, model: Any, value: str) -> Any:
        return self.on(value) if self.on else getattr(model, self.name) == value


class YesNo(Choice):
    """A boolean column; NULL counts as false."""

    def __init__(self, name: str, label: Any = None, **options: Any) -> None:
        super().__init__(name, label, labels={"y": lazy_gettext("Yes"), "n": lazy_gettext("No")}, **options)

    def _meets(self, model: Any, value: str) -> Any:
        column = getattr(model, self.name)
        return column.is_(True) if value == "y" else column.is_not(True)


class Day(DeclaredFilter):
    """A single day."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field with its value from the query parameters."""
        day = iso_day(args.get(self.name))
        if day is None:
            return self._filter(label, kind="date")
        return self._filter(label, kind="date", value=day.isoformat(), condition=getattr(model, self.name) == day)


class Days(DeclaredFilter):
    """A range of days, open at either end: two fields, whose names end with ``_from`` and ``_to``."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field of the first day as the page's arguments fill it in."""
        return self.read_both(model, label, args)[0]

    def read_both(self, model: Any, label: Any, args: Mapping[str, str]) -> list[Filter]:
        """Return the two fields with their values from the query parameters."""
        column = getattr(model, self.name)
        ends = (("from", gettext("%(label)s from", label=label)), ("to", gettext("%(label)s to", label=label)))
        found = []
        for end, told in ends:
            name = f"{self.name}_{end}"
            day = iso_day(args.get(name))
            condition = None if day is None else self._from(column, day) if end == "from" else self._to(column, day)
            value = day.isoformat() if day else ""
            found.append(Filter(name, told, value, condition, kind="date", beside=self.beside))
        return found

    @staticmethod
    def _from(column: Any, day: date) -> Any:
        return column >= day

    @staticmethod
    def _to(column: Any, day: date) -> Any:
        return column <= day


class DaysOfTimes(Days):
    """A range of days in Asia/Tokyo, for a column with times."""

    @staticmethod
    def _from(column: Any, day: date) -> Any:
        return column >= clock.day_start(day)

    @staticmethod
    def _to(column: Any, day: date) -> Any:
        return column < clock.day_start(day) + timedelta(days=1) if day < date.max else column.is_not(None)


class Yen(DeclaredFilter):
    """An amount of yen, with a choice of comparison operators."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field with its value from the query parameters."""
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
    """Return the search fields of a list with their values from the query parameters.

    :param labels: the labels of the columns.
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
    """Parse an amount with or without commas, a leading yen sign or a trailing 円; return None for any other text."""
    plain = re.sub(r"[,¥\\\s]", "", plain_hyphens(half_width(text))).removesuffix("円")
    return int(plain) if _YEN.fullmatch(plain) else None
