"""Waiting for whoever changes a row at the same moment."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from models.errors import Gone


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
