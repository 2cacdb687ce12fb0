"""Random identifiers that people read and type, for rows whose number must not tell how many there are."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

_ATTEMPTS = 5
_CODE = string.digits + string.ascii_uppercase


def random_code(prefix: str, *, length: int = 8) -> str:
    """Return a prefix followed by random digits and upper-case letters, such as ``AAP-3KJXLH50``."""
    return prefix + "".join(secrets.choice(_CODE) for _ in range(length))


def random_user_id() -> str:
    """Return two random letters and six random digits, such as ``YW499776``."""
    letters = "".join(secrets.choice(string.ascii_uppercase) for _ in range(2))
    return f"{letters}{secrets.randbelow(10**6):06}"


def add_with_random_id(session: Session, row: Any, new_id: Callable[[], str]) -> None:
    """Add a row with a random ID, and flush. An ID that exists already, in any tenant, is replaced by another.

    :param new_id: returns a random ID.
    """
    primary_key = f"{row.__tablename__}_pkey"
    for _ in range(_ATTEMPTS - 1):
        row.id = new_id()
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError as error:
            if _constraint(error) != primary_key:
                raise
        else:
            return
    row.id = new_id()
    session.add(row)
    session.flush()


def _constraint(error: IntegrityError) -> str | None:
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)
