"""FAB's data interface, made safe for the portal's screens (docs/adr/0003-appbuilder-as-a-toolbox.md)."""

from __future__ import annotations

import copy
import logging
import operator
from typing import Any

from flask import g
from flask_appbuilder.exceptions import DatabaseException
from flask_appbuilder.models.filters import BaseFilter
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import gettext
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

COUNT_CAP = 1_000
"""Lists count to one past this, or past the page that is looked at; more is said as "1,000 or more"."""

log = logging.getLogger(__name__)


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's five characters for what went wrong, None when it was not PostgreSQL."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def constraint_name(error: BaseException) -> str | None:
    """The constraint a row broke, None when it was something else."""
    return getattr(getattr(getattr(error, "orig", None), "diag", None), "constraint_name", None)


def log_database_error(error: BaseException) -> None:
    """Log what the database refused, without the values: they are people's."""
    log.warning("database error: sqlstate %s, constraint %s", sqlstate(error), constraint_name(error))


class PortalInterface(SQLAInterface):
    """Eager loading, capped counts, and errors that say what is wrong without SQL.

    :param options: loader options for everything a list shows, so that a page costs the same whatever is in it.
    """

    def __init__(self, model: Any, session: Any = None, options: tuple[Any, ...] = ()) -> None:
        super().__init__(model, session)
        self.options = options

    def apply_all(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """FAB's query with the eager loading."""
        return super().apply_all(query.options(*self.options), *args, **kwargs)

    def apply_order_by(self, query: Any, order_column: str, *args: Any, **kwargs: Any) -> Any:
        """FAB's order, with rows that have no value at the end of both directions."""
        if self.is_nullable(order_column):
            query = query.order_by(getattr(self.obj, order_column).is_(None))
        return super().apply_order_by(query, order_column, *args, **kwargs)

    def query(  # noqa: PLR0913, PLR0917  (FAB's signature)
        self,
        filters: Any = None,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        select_columns: Any = None,
        outer_default_load: bool = False,  # noqa: FBT001, FBT002
    ) -> tuple[int, list[Any]]:
        """A page of rows, and how many there are, counted to one past the cap.

        Further back the cap is the end of the page: finding the page walks over as many rows.

        :param page: from 0.
        """
        query = self.session.query(self.obj)
        most = max(COUNT_CAP, ((page or 0) + 1) * (page_size or 0))
        keys = self._apply_inner_all(query.with_entities(self.get_pk()), filters, aliases_mapping={})
        counted = keys.order_by(None).limit(most + 1).subquery()
        count = self.session.scalar(select(func.count()).select_from(counted)) or 0
        asked = (filters, order_column, order_direction, page, page_size, select_columns, outer_default_load)
        return count, self.apply_all(query, *asked).all()

    def add(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002  (FAB's signature)
        """Add a row; a refusal is told in words."""
        self.session.add(item)
        self._finish(commit=commit)

    def edit(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002  (FAB's signature)
        """Write a changed row; a refusal is told in words."""
        self.session.merge(item)
        self._finish(commit=commit)

    def delete(self, item: Any, commit: bool = True) -> None:  # noqa: FBT001, FBT002  (FAB's signature)
        """Delete a row; a refusal is told in words."""
        self.session.delete(item)
        self._finish(commit=commit)

    def _finish(self, *, commit: bool) -> None:
        try:
            if commit:
                self.session.commit()
            else:
                self.session.flush()
        except SQLAlchemyError as error:
            self.session.rollback()
            log_database_error(error)
            raise DatabaseException(_words(sqlstate(error))) from error


def _words(state: str | None) -> str:
    match state:
        case "23505":
            return gettext("The same value is already registered.")
        case "23503":
            return gettext("Other data depends on it.")
        case "23502":
            return gettext("A required field is empty.")
        case _:
            return gettext("The data could not be saved.")


class PartMatch(BaseFilter):
    """The column contains the text; % and _ mean themselves."""

    name = "contains"

    def apply(self, query: Any, value: str) -> Any:
        """Narrow a query."""
        return query.filter(getattr(self.model, self.column_name).contains(value, autoescape=True))


class Same(BaseFilter):
    """The column is the value."""

    name = "is"

    def apply(self, query: Any, value: Any) -> Any:
        """Narrow a query."""
        return query.filter(getattr(self.model, self.column_name) == value)


COMPARISONS = {"eq": operator.eq, "ne": operator.ne, "ge": operator.ge, "le": operator.le}
"""How a number can be compared."""


class Compared(BaseFilter):
    """The column compares with a number; the value is a key of ``COMPARISONS`` and the number."""

    name = "compares"

    def apply(self, query: Any, value: tuple[str, Any]) -> Any:
        """Narrow a query."""
        comparison, number = value
        return query.filter(COMPARISONS[comparison](getattr(self.model, self.column_name), number))


class NotDeleted(BaseFilter):
    """Only rows that are not softly deleted."""

    name = "not deleted"

    def apply(self, query: Any, _value: Any) -> Any:
        """Narrow a query."""
        return query.filter(getattr(self.model, self.column_name).is_(None))


class Deleted(BaseFilter):
    """Only rows that are softly deleted."""

    name = "deleted"

    def apply(self, query: Any, _value: Any) -> Any:
        """Narrow a query."""
        return query.filter(getattr(self.model, self.column_name).is_not(None))


class RequestFilters:
    """A view's filters, of its own for each request.

    FAB keeps one object per view and all threads write to it: one user's search text turns up on another's page.
    """

    def __get__(self, view: Any, owner: Any = None) -> Any:
        if view is None:
            return None
        prototype = view.__dict__.get("_filters_prototype")
        try:
            kept = g.setdefault("view_filters", {})
        except RuntimeError:  # outside a request: the view is being set up
            return prototype
        if id(view) not in kept:
            filters = copy.copy(prototype)
            filters.clear_filters()
            kept[id(view)] = filters
        return kept[id(view)]

    def __set__(self, view: Any, value: Any) -> None:
        view.__dict__["_filters_prototype"] = value
