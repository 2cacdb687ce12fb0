"""Health checks for monitoring: liveness and readiness.

Readiness reports within a minute when the database or Redis accepts no writes, and when no worker is running or all of
them die again and again.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models import clock
from models.db import ALERTS, db
from models.operations.schedule import ScheduledTask

blueprint = Blueprint("health", __name__)

SCHEDULE_SILENCE = timedelta(minutes=3)
"""The job of the heartbeat runs every minute; after this long without one, the schedule is considered stopped."""

WRITE_PROBE_EVERY = 10.0
"""Seconds for which a successful probe of the database's disk is not repeated."""

_REVISION = text("SELECT version_num FROM alembic_version")
_NUMBER = re.compile(r"[0-9]{4}")
_WRITTEN = "portal:ready"
_WRITTEN_FOR = 60

# transaction_read_only would say nothing: the transactions of GET requests are read-only on the primary too.
_READ_ONLY = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'")
# Sorting more than fits into the memory allowed writes 300 kB to a temporary file, which needs space on the disk at once.
# A row would not: it is written to free space inside a file, and to the disk some time later.
_LITTLE_MEMORY = text("SET LOCAL work_mem = '64kB'")
_WRITE_TEMPORARY_FILE = text(
    "SELECT count(*) FROM (SELECT n FROM generate_series(1, 10000) AS n ORDER BY n DESC OFFSET 0) AS sorted"
)


def schedule_runs(heartbeat: ScheduledTask | None, *, now: datetime) -> bool:
    """Return whether there was a recent run of the heartbeat, which cron starts and a worker runs.

    :param heartbeat: the scheduled task of the heartbeat; None if no worker was ever started.
    """
    seen = heartbeat.last_finished_at if heartbeat else None
    return seen is not None and now - seen < SCHEDULE_SILENCE


def has_migrations(revision: str | None, head: str) -> bool:
    """Return whether the database has all migrations of this version, and possibly those of a newer one.

    Revisions are consecutive numbers of four digits. During a rolling upgrade, processes of the previous version run on the migrated
    database and must keep receiving requests (docs/operations.md).

    :param revision: the revision of the database; None if it was never migrated.
    :param head: the newest revision that this version knows.
    """
    return revision is not None and _NUMBER.fullmatch(revision) is not None and revision >= head


@blueprint.get("/healthz")
def healthz() -> Response:
    """Report that the process responds, without checking anything else."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Report whether the databases, their migrations, Redis, the workers and the schedule work; 503 if not all of them do.

    The replica is reported too, but a portal without its replica serves every page.
    """
    checks = dict.fromkeys(("database", "database_writes", "migrations", "redis", "worker", "schedule"), False)
    try:
        revision = db.session.scalar(_REVISION)
        checks["database"] = True
        checks["migrations"] = has_migrations(revision, current_app.config["MIGRATION_HEAD"])
        beat = db.session.get(ScheduledTask, "heartbeat")
        checks["schedule"] = schedule_runs(beat, now=clock.utc_now())
        checks["database_writes"] = current_app.extensions["write_probe"].succeeds()
    except SQLAlchemyError:
        db.session.rollback()
    if ALERTS in db.engines:
        checks |= {"alert_database": False, "alert_migrations": False}
        with suppress(SQLAlchemyError), db.engines[ALERTS].connect() as connection:
            revision = connection.scalar(_REVISION)
            checks["alert_database"] = True
            checks["alert_migrations"] = has_migrations(revision, current_app.config["ALERT_MIGRATION_HEAD"])
    with suppress(RedisError):
        # Write instead of ping: a replica, or a server with full memory or disk, answers a ping but accepts no jobs.
        checks["redis"] = bool(current_app.extensions["redis"].set(_WRITTEN, "1", ex=_WRITTEN_FOR))
    with suppress(RedisError):
        checks["worker"] = current_app.extensions["workers"]().healthy
    ready = all(checks.values())
    replica = current_app.extensions["replica"]
    optional = {"replica": replica.state()} if replica is not None else {}
    return jsonify(status="ready" if ready else "not ready", checks=checks, **optional), 200 if ready else 503


class WriteProbe:
    """Finds out whether the database accepts writes: it is no replica, and its disk is not full.

    It is cheap, and a success is remembered for a few seconds, because anybody may ask for ``/readyz``.
    """

    def __init__(self) -> None:
        self._good_until = 0.0

    def succeeds(self) -> bool:
        """Return whether the database accepts writes, in the transaction of this request.

        :raises sqlalchemy.exc.SQLAlchemyError: the disk is full, or the database does not respond.
        """
        if db.session.scalar(_READ_ONLY):
            return False
        if time.monotonic() >= self._good_until:
            db.session.execute(_LITTLE_MEMORY)
            db.session.execute(_WRITE_TEMPORARY_FILE)
            self._good_until = time.monotonic() + WRITE_PROBE_EVERY
        return True


def init_app(app: Flask, workers: Any) -> None:
    """Set up the checks.

    :param workers: returns what is known of the workers (``jobs.worker_liveness.Workers``).
    """
    app.extensions["write_probe"] = WriteProbe()
    app.extensions["workers"] = workers
