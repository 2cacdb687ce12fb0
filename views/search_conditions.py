"""The search conditions of Flask-AppBuilder's lists, which its search panel offers per column.

FAB's own take % and _ as wildcards, end in an error on a backslash or on a word where a truth value should be, and look
a chosen row up with one more statement.
"""

from __future__ import annotations

import re
from typing import Any

from flask import request
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.sqla.filters import SQLAFilterConverter
from flask_babel import lazy_gettext

from models.values.visible_text import visible

_ARGUMENT = re.compile(r"_flt_([0-9])_([a-z_]+)")
_LARGEST_KEY = 2**31 - 1


class Condition(BaseFilter):
    """A condition on a column; what it cannot be compared with is no condition."""

    def apply(self, query: Any, value: str) -> Any:
        """Narrow a query."""
        return query.filter(self.meets(getattr(self.model, self.column_name), value))

    def meets(self, column: Any, value: str) -> Any:
        """The condition in SQL."""
        raise NotImplementedError

    @staticmethod
    def takes(value: str) -> bool:
        """Whether a value can be compared with."""
        return bool(value)


class Contains(Condition):
    """The text holds the value."""

    name = lazy_gettext("Contains")
    arg_name = "ct"

    def meets(self, column: Any, value: str) -> Any:
        """Without regard to upper and lower case."""
        return column.icontains(value, autoescape=True)


class StartsWith(Condition):
    """The text begins with the value."""

    name = lazy_gettext("Starts with")
    arg_name = "sw"

    def meets(self, column: Any, value: str) -> Any:
        """Without regard to upper and lower case."""
        return column.istartswith(value, autoescape=True)


class SameText(Condition):
    """The text is the value."""

    name = lazy_gettext("Equals")
    arg_name = "eq"

    def meets(self, column: Any, value: str) -> Any:
        """Letter by letter."""
        return column == value


class Truth(Condition):
    """The flag is set (``y``) or not (``n``)."""

    name = lazy_gettext("Equals")
    arg_name = "eq"

    def meets(self, column: Any, value: str) -> Any:
        """A flag that was never written is not set."""
        return column.is_(True) if value == "y" else column.is_not(True)

    @staticmethod
    def takes(value: str) -> bool:
        """Only yes and no."""
        return value in {"y", "n"}


class Related(Condition):
    """A related row has the key."""

    name = lazy_gettext("Equals")
    arg_name = "rel_m_m"

    def meets(self, column: Any, value: str) -> Any:
        """Among the rows it is related to."""
        related = column.property.mapper.class_
        return column.any(related.id == int(value))

    @staticmethod
    def takes(value: str) -> bool:
        """Only a key."""
        return value.isascii() and value.isdecimal() and len(value) <= 10 and int(value) <= _LARGEST_KEY


class Conditions(SQLAFilterConverter):
    """Which conditions a column's type has."""

    conversion_table = (
        ("is_relation_many_to_many", [Related]),
        ("is_text", [Contains, StartsWith, SameText]),
        ("is_string", [Contains, StartsWith, SameText]),
        ("is_boolean", [Truth]),
    )

    def convert(self, col_name: str) -> list[Condition] | None:
        """The conditions of a column, None for one that cannot be searched; FAB warns of each such column."""
        for marker, conditions in self.conversion_table:
            if getattr(self.datamodel, marker)(col_name):
                return [condition(col_name, self.datamodel) for condition in conditions]
        return None


def read_conditions(filters: Any) -> None:
    """Put the conditions of the request into a view's filters; nonsense is no condition."""
    filters.clear_filters()
    for name in request.args:
        match = _ARGUMENT.fullmatch(name)
        conditions = filters.get_search_filters().get(match[2], ()) if match else ()
        if not conditions or int(match[1]) >= len(conditions):
            continue
        value = visible(request.args[name]).strip()
        if conditions[int(match[1])].takes(value):
            filters.add_filter_index(match[2], int(match[1]), value)
