"""A new token on its way to the one page that shows it.

It waits in the session of the browser it goes to anyway, for one page, and is nowhere else: the database has its hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import session

_KEY = "new_token"


def show_token_once(row: Any, token: str) -> None:
    """Keep a token for the next page that can show it.

    :param row: what it is a token of.
    """
    session[_KEY] = [type(row).__name__, row.id, token]


def waiting_key(kind: type) -> int | None:
    """The key of the row of a class whose token is waiting, None when there is none; the token goes on waiting."""
    waiting = session.get(_KEY)
    return waiting[1] if waiting is not None and waiting[0] == kind.__name__ else None


def token_to_show(kind: type, keys: Iterable[int]) -> dict[str, Any] | None:
    """The token waiting for one of these rows, taken away with the asking; None when there is none.

    :param kind: the rows' class.
    :returns: the row's ``key`` and the ``token``.
    """
    waiting = session.get(_KEY)
    if waiting is None or waiting[0] != kind.__name__ or waiting[1] not in set(keys):
        return None
    session.pop(_KEY)
    return {"key": waiting[1], "token": waiting[2]}
