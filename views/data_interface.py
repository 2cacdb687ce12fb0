"""FAB's data interface for the portal's screens, and the details of database errors."""

from __future__ import annotations

import logging
from typing import Any

from flask_appbuilder.models.sqla.filters import SQLAFilterConverter
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import inspect

log = logging.getLogger(__name__)


def sqlstate(error: BaseException) -> str | None:
    """Return PostgreSQL's five-character error code, None if the error does not come from PostgreSQL."""
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def constraint_name(error: BaseException) -> str | None:
    """Return the name of the violated constraint, None for any other error."""
    return getattr(getattr(getattr(error, "orig", None), "diag", None), "constraint_name", None)


def log_database_error(error: BaseException) -> None:
    """Log a database error without the values, which may be personal data."""
    log.warning("database error: sqlstate %s, constraint %s", sqlstate(error), constraint_name(error))


class NoConverter(SQLAFilterConverter):
    """A filter converter without filters: the portal's screens do not use FAB's search."""

    conversion_table = ()

    def convert(self, col_name: str) -> list[Any]:
        """Return no filters; FAB would compute them again for each request."""
        return []


class PortalInterface(SQLAInterface):
    """The data interface of a table, with the loader options of its list.

    :param options: loader options, so that the number of statements per page does not depend on the rows.
    """

    filter_converter_class = NoConverter

    def __init__(self, model: Any, session: Any = None, options: tuple[Any, ...] = ()) -> None:
        super().__init__(model, session)
        self.options = options

    def apply_order_by(self, query: Any, order_column: str, order_direction: str, **kwargs: Any) -> Any:
        """Order a query as FAB does, but with NULL values last in both directions, and equal values by primary key.

        Without the primary key, rows with equal values could be on two pages, or on none. It has the same direction as the
        column, so that an index of both serves either direction.
        """
        if self.is_nullable(order_column):
            query = query.order_by(getattr(self.obj, order_column).is_(None))
        query = super().apply_order_by(query, order_column, order_direction, **kwargs)
        keys = [key for key in inspect(self.obj).primary_key if key.key != order_column]
        return query.order_by(*(key.desc() if order_direction == "desc" else key.asc() for key in keys))
