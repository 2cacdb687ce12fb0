"""One-time display of new tokens.

A token is kept in the session of the browser that is going to display it, until the next page that displays it. It is not
stored elsewhere: the database contains only its hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import session

_KEY = "new_token"


def show_token_once(row: Any, token: str) -> None:
    """Keep a token for the next page that can display it.

    :param row: the row that the token belongs to.
    """
    session[_KEY] = [type(row).__name__, row.id, token]


def waiting_key(kind: type) -> int | None:
    """The key of the row of a class whose token is waiting, None when there is none; the token goes on waiting."""
    waiting = session.get(_KEY)
    return waiting[1] if waiting is not None and waiting[0] == kind.__name__ else None


def token_to_show(kind: type, keys: Iterable[int]) -> dict[str, Any] | None:
    """Remove the kept token from the session and return it, if it belongs to one of some rows.

    :param kind: the class of the rows.
    :returns: the row's ``key`` and the ``token``; None if there is no token for these rows.
    """
    waiting = session.get(_KEY)
    if waiting is None or waiting[0] != kind.__name__ or waiting[1] not in set(keys):
        return None
    session.pop(_KEY)
    return {"key": waiting[1], "token": waiting[2]}
