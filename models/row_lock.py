"""Waiting for whoever does the same at the same moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import inspect, select, text
from sqlalchemy.orm import Session

from models.errors import Gone

# In the order of the array: a function in FROM gives its rows as they come.
_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(CAST(:keys AS text[])) AS key")


def lock(session: Session, row: Any) -> None:
    """Hold a row until the transaction ends, and read it anew.

    Of two who press the same button at once, the second waits here and then sees what the first did.

    :param row: of this session, or of another one.
    :raises Gone: the first deleted it.
    """
    model, key = type(row), inspect(row).identity
    found = select(model).where(
        *(column == value for column, value in zip(inspect(model).primary_key, key, strict=True))
    )
    if session.scalar(found.with_for_update().execution_options(populate_existing=True)) is None:
        raise Gone


def take_turns(session: Session, purpose: str, of: str | Iterable[str] = "") -> None:
    """Let only one transaction at a time do something, until it ends; the next one then sees what it did.

    For what no row stands for: how many rows there are, in which order, whether there is one. Call it before reading
    any of that, and before locking rows.

    :param purpose: what is done, the same words wherever it is done.
    :param of: whose it is, such as a tenant's ID; several are waited for in their order, so that nobody waits crosswise.
    """
    keys = sorted({of} if isinstance(of, str) else set(of))
    session.execute(_TAKE_TURNS, {"keys": [f"{purpose} {key}" for key in keys]})
