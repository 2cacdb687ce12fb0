"""Read from a streaming replica of the database, as long as it is there and recent enough (docs/replica-and-pooler.md).

The caller says what the replica must have replayed, and reads the primary when it gets no session.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from enum import StrEnum
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

RETRY_AFTER = 10.0
"""Seconds after a failure of the replica in which it is not tried again. Then one request tries it, before all others."""

LOGGED_EVERY = 60.0
"""Seconds between two messages in the log about a replica that is not used."""

# A statement that replaying of the log ended, or a connection that the server closed: the primary can answer.
_CONFLICTS = frozenset({"40001", "40P01"})
_READ_ONLY = "25006"
_SERVER_AWAY = ("08", "57P", "58", "XX", "53")

_LSN = re.compile(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}")

# A replica that was promoted, and a primary, have no log to replay.
_STATE = """
SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END
           >= CAST(%(lsn)s AS pg_lsn),
       CASE WHEN pg_is_in_recovery()
            THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) ELSE 0 END
"""
_POSITION = text("SELECT pg_current_wal_insert_lsn()")

log = logging.getLogger("portal.replica")


class ReplicaState(StrEnum):
    """What a replica can be used for."""

    READY = "ready"
    BEHIND = "behind"
    UNAVAILABLE = "unavailable"


class _Position(NamedTuple):
    """How far a replica is.

    :ivar has_it: whether it has replayed what was asked for, None if nothing was.
    :ivar seconds: the age of the last transaction it has replayed; None if it has replayed none since its start.
    """

    has_it: bool | None
    seconds: float | None


def written_position(engine: Engine) -> str | None:
    """Return the end of the primary's log (LSN): a replica that has replayed it has everything committed so far.

    :param engine: the engine of the primary.
    :returns: None if it cannot be read.
    """
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return str(connection.scalar(_POSITION))
    except SQLAlchemyError as error:
        log.warning("position of the log not read", extra={"error": type(error).__name__})
        return None


def is_position(value: str) -> bool:
    """Return whether a text is a position in PostgreSQL's log."""
    return _LSN.fullmatch(value) is not None


def can_be_repeated(error: BaseException) -> bool:
    """Return whether the primary may answer what the replica did not: a recovery conflict, or a lost connection.

    A statement that took too long is not repeated: it would take as long on the primary.
    """
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return True
        error = error.orig or error
    if not isinstance(error, psycopg.Error):
        return False
    state = _sqlstate(error)
    if state is None:
        # The client noticed: no connection, a lost one, or no answer in time.
        return isinstance(error, psycopg.OperationalError)
    return state in _CONFLICTS or state == _READ_ONLY or state.startswith(_SERVER_AWAY)


def _sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", None) or error, "sqlstate", None)


class Replica:
    """The replica that a process reads from, and whether it works.

    :ivar engine: the engine of its connections, which are read-only.
    """

    def __init__(self, engine: Engine, *, most_behind: float) -> None:
        """
        :param most_behind: the age in seconds of the last replayed transaction, above which the replica is not used.
            Something is committed every minute as long as a worker runs.
        """
        self.engine = engine
        self._most_behind = most_behind
        self._lock = threading.Lock()
        self._retry_at = 0.0
        self._last = ReplicaState.READY
        self._log_at = 0.0

    def session(self, info: dict[str, Any], *, at_least: str | None) -> Session | None:
        """Return a session whose transaction has begun on the replica. The caller closes it.

        :param info: the tenant scope (``models.scope.of_session``).
        :param at_least: the position in the log (LSN) that the replica must have replayed; None for any.
        :returns: None if the replica is behind, or does not work: the primary has to be read.
        """
        if not self._may_try():
            return None
        session = Session(self.engine, info=dict(info))
        try:
            position = _position(session, at_least)
        except SQLAlchemyError as error:
            session.close()
            self.failed(error)
            return None
        if not self._is_recent(position):
            session.close()
            self._note(ReplicaState.BEHIND, f"{position.seconds} s")
            return None
        self._works()
        if position.has_it is False:
            session.close()
            return None
        return session

    def state(self) -> ReplicaState:
        """Return the state of the replica, for monitoring."""
        if not self._may_try():
            return self._last
        try:
            with Session(self.engine) as session:
                position = _position(session, None)
        except SQLAlchemyError as error:
            self.failed(error)
            return ReplicaState.UNAVAILABLE
        if self._is_recent(position):
            self._works()
        else:
            self._note(ReplicaState.BEHIND, f"{position.seconds} s")
        return self._last

    def failed(self, error: BaseException) -> None:
        """Note that the replica did not answer: further requests read the primary without trying it."""
        cause = getattr(error, "orig", None) or error
        self._note(ReplicaState.UNAVAILABLE, f"{type(cause).__name__}, sqlstate {_sqlstate(error)}")

    def gave_up(self, error: BaseException) -> None:
        """Note that a page or file is read from the primary after an error for which ``can_be_repeated`` is true."""
        if _sqlstate(error) in {*_CONFLICTS, _READ_ONLY}:
            log.info("read again from the primary", extra={"sqlstate": _sqlstate(error)})
        else:
            self.failed(error)

    def forget_failures(self) -> None:
        """Try the replica with the next request, and log the next failure."""
        with self._lock:
            self._last, self._retry_at, self._log_at = ReplicaState.READY, 0.0, 0.0

    def _may_try(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._retry_at:
                return False
            if self._last is not ReplicaState.READY:
                # The others wait for the outcome of this try.
                self._retry_at = now + RETRY_AFTER
            return True

    def _is_recent(self, position: _Position) -> bool:
        return position.seconds is not None and position.seconds <= self._most_behind

    def _works(self) -> None:
        if self._last is ReplicaState.READY:
            return
        self.forget_failures()
        log.info("the replica is used again")

    def _note(self, state: ReplicaState, reason: str) -> None:
        with self._lock:
            now = time.monotonic()
            self._last, self._retry_at = state, now + RETRY_AFTER
            if now < self._log_at:
                return
            self._log_at = now + LOGGED_EVERY
        log.warning("the replica is not used", extra={"state": state, "reason": reason})


def _position(session: Session, at_least: str | None) -> _Position:
    """Begin a session's transaction and return the replica's position.

    In a statement of its own: the following ones see at least what this one reports.
    """
    row = session.connection().exec_driver_sql(_STATE, {"lsn": at_least}).one()
    return _Position(row[0], None if row[1] is None else float(row[1]))
