"""Locks that serialize concurrent changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from models.errors import Gone

# In the order of the array: a set-returning function in FROM returns its rows in order.
_ADVISORY_LOCK = text(
    "SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(CAST(:keys AS text[])) AS key"
)


def lock(session: Session, row: Any, *, key_share: bool = False) -> None:
    """Lock a row until the end of the transaction and reload it.

    Of two concurrent calls, the second waits for the first transaction and then sees its changes.

    :param row: a row of this or another session.
    :param key_share: whether other transactions may add rows that refer to it meanwhile.
    :raises Gone: the row was deleted.
    """
    model, key = type(row), inspect(row).identity
    found = select(model).where(
        *(column == value for column, value in zip(inspect(model).primary_key, key, strict=True))
    )
    locked = found.with_for_update(key_share=key_share).execution_options(populate_existing=True)
    if session.scalar(locked) is None:
        raise Gone


def lock_all(session: Session, model: Any, keys: Iterable[Any], *, load: Sequence[Any] = ()) -> dict[Any, Any]:
    """Lock several rows of a table until the end of the transaction and reload them, like :func:`lock`, in one statement.

    They are locked in the order of their keys. To avoid deadlocks, do not lock rows of the table one by one before.

    :param keys: primary keys; those of deleted rows are missing in the result.
    :param load: loader options for what is loaded along with the rows.
    :returns: the rows by their keys.
    """
    wanted = set(keys)
    if not wanted:
        return {}
    (column,) = inspect(model).primary_key
    found = session.scalars(
        select(model)
        .where(column.in_(wanted))
        .order_by(column)
        .options(*load)
        .with_for_update(of=model)
        .execution_options(populate_existing=True)
    ).unique()
    return {inspect(row).identity[0]: row for row in found}


def serialize(session: Session, purpose: str, of: str | Iterable[str] = "") -> None:
    """Take an advisory lock until the end of the transaction, so that transactions with the same purpose run in turn.

    Use it where no row can be locked: when the number, order or existence of rows matters. Call it before reading any
    of that, and before locking rows.

    :param purpose: the name of the operation, the same wherever it is performed.
    :param of: the subject, such as a tenant ID; several are locked in sorted order to avoid deadlocks.
    """
    keys = sorted({of} if isinstance(of, str) else set(of))
    session.execute(_ADVISORY_LOCK, {"keys": [f"{purpose} {key}" for key in keys]})
