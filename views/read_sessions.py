"""Sessions of screens that only read: on the replica, or on the primary where it must be (docs/replica-and-pooler.md).

Users read what they have written: the position of their last commit in the primary's log is kept for a minute in a
cookie of its own, which no slow response to an earlier request overwrites, and the replica must have replayed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from flask import Response, current_app, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from models import scope
from models.db import db
from models.errors import ALERTS_UNAVAILABLE
from models.read_only import READ_ONLY
from models.replica import Replica, can_be_repeated, is_position, written_position

COOKIE = "written"
"""The cookie with the position of the user's last commit; over https with the prefix of the session's."""

REMEMBERED_FOR = 60
"""Seconds after which a replica has replayed a commit, or is too far behind to be used at all."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods of requests that change nothing."""

Piece = TypeVar("Piece")

_UNKNOWN = "unknown"


def read_session() -> Session:
    """Return the session with which a page reads, in the tenant of the request.

    It is the request's own where there is no replica that can be used, and in requests that may write.
    """
    found: Session | None = g.get("read_session")
    if found is None:
        if request.method in SAFE_METHODS:
            g.replica_session = _on_replica(scope.of_session(db.session()))
        g.read_session = found = g.get("replica_session") or db.session()
    return found


@contextmanager
def reading_all_tenants(reason: str) -> Iterator[Session]:
    """Open a cross-tenant session for a part of a page.

    :param reason: why this view may cross tenants, for the log and for readers of the code.
    """
    with _opened(scope.of_all_tenants(reason)) as session:
        yield session


@contextmanager
def reading_stream(info: dict[str, Any]) -> Iterator[Session]:
    """Open a session that a streamed response keeps until its end.

    :param info: the scope (``models.scope.of_session``).
    """
    with _opened(info) as session:
        yield session


def streamed(info: dict[str, Any], pieces: Callable[[Session], Iterator[Piece]]) -> Iterator[Piece]:
    """Generate a part of a streamed response in a session that stays open until its end; from the primary if the replica fails before the first piece.

    :param info: the scope (``models.scope.of_session``).
    :param pieces: generates the part with a session.
    """
    begun = False
    try:
        with reading_stream(info) as session:
            for piece in pieces(session):
                begun = True
                yield piece
    except (DBAPIError, psycopg.Error) as error:
        if begun or not _give_up(error):
            raise
    else:
        return
    with reading_stream(info) as session:
        yield from pieces(session)


def repeated_on_primary(view: Callable[[], Any]) -> Any:
    """Run a view that only reads; a second time, on the primary, if the replica fails meanwhile."""
    try:
        return view()
    except DBAPIError as error:
        if not _give_up(error):
            raise
    return view()


def remember_commit(answer: Response) -> None:
    """Let the user's next pages show what was committed just now."""
    if _replica() is None:
        return
    answer.set_cookie(
        _cookie_name(),
        written_position(db.engine) or _UNKNOWN,
        max_age=REMEMBERED_FOR,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def close_read_session(_error: BaseException | None = None) -> None:
    """Close the session of ``read_session`` at the end of the request; of a streamed response, at its end."""
    g.pop("read_session", None)
    if (session := g.pop("replica_session", None)) is not None:
        _close(session)


@contextmanager
def _opened(info: dict[str, Any]) -> Iterator[Session]:
    session = _on_replica(info) or Session(db.engine, info=info | READ_ONLY)
    try:
        yield session
    finally:
        _close(session)


def _close(session: Session) -> None:
    # A lost connection has nothing to roll back.
    with suppress(DBAPIError, psycopg.Error):
        session.close()


def _on_replica(info: dict[str, Any]) -> Session | None:
    """Return a session on the replica, None if this request has to read the primary."""
    replica = _replica()
    position = request.cookies.get(_cookie_name())
    if replica is None or g.get("reads_primary") or not (position is None or is_position(position)):
        return None
    session = replica.session(info | READ_ONLY, at_least=position)
    g.reads_replica = g.get("reads_replica", False) or session is not None
    # A page is of one state: that of the first of its sessions.
    g.reads_primary = session is None
    return session


def _give_up(error: BaseException) -> bool:
    """Leave the replica for the rest of the request; return whether the primary can be asked instead."""
    replica = _replica()
    if replica is None or not g.get("reads_replica") or not can_be_repeated(error):
        return False
    if getattr(error, ALERTS_UNAVAILABLE, False):
        # The database of the alerts failed, which the primary does not replace.
        return False
    replica.gave_up(error)
    close_read_session()
    g.reads_primary, g.reads_replica = True, False
    return True


def _cookie_name() -> str:
    return f"__Host-{COOKIE}" if current_app.config["SESSION_COOKIE_SECURE"] else COOKIE


def _replica() -> Replica | None:
    replica: Replica | None = current_app.extensions["replica"]
    return replica
