"""A UTM's new token on its way to the one page that shows it.

It waits in the session of the browser it goes to anyway, for one page, and is nowhere else: the database has its hash.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import session

from models.utm import Utm

_KEY = "new_token"


def show_token_once(utm: Utm, token: str) -> None:
    """Keep a token for the next page that can show it."""
    session[_KEY] = [utm.id, token]


def token_to_show(utm_keys: Iterable[int]) -> dict[str, object] | None:
    """The token waiting for one of these UTMs, taken away with the asking; None when there is none.

    :returns: ``utm_key`` and ``token``.
    """
    waiting = session.get(_KEY)
    if waiting is None or waiting[0] not in set(utm_keys):
        return None
    session.pop(_KEY)
    return {"utm_key": waiting[0], "token": waiting[1]}
