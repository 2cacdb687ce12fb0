"""FAB's data interface for the portal's screens, and what the database says when it refuses."""

from __future__ import annotations

import logging
from typing import Any

from flask_appbuilder.models.sqla.filters import SQLAFilterConverter
from flask_appbuilder.models.sqla.interface import SQLAInterface

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


class NoConverter(SQLAFilterConverter):
    """FAB's search conditions of each column, of which the portal's screens use none."""

    conversion_table = ()

    def convert(self, col_name: str) -> list[Any]:
        """No conditions; FAB would work them out again for each request."""
        return []


class PortalInterface(SQLAInterface):
    """A table with everything a list shows of it.

    :param options: loader options, so that a page costs the same number of statements whatever is in it.
    """

    filter_converter_class = NoConverter

    def __init__(self, model: Any, session: Any = None, options: tuple[Any, ...] = ()) -> None:
        super().__init__(model, session)
        self.options = options

    def apply_order_by(self, query: Any, order_column: str, *args: Any, **kwargs: Any) -> Any:
        """FAB's order, with rows that have no value at the end of both directions, and equal rows ordered by their key.

        Without the key, equal rows could be on two pages of a list, or on none.
        """
        if self.is_nullable(order_column):
            query = query.order_by(getattr(self.obj, order_column).is_(None))
        return super().apply_order_by(query, order_column, *args, **{"add_pk": True} | kwargs)
