"""Health checks for monitoring: liveness and readiness."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta

from flask import Blueprint, Response, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models import clock
from models.db import ALERTS, db
from models.operations.schedule import ScheduledTask

blueprint = Blueprint("health", __name__)

WORKER_SILENCE = timedelta(minutes=3)
"""The workers' heartbeat runs every minute; after this long without one, no worker is considered running."""

_REVISION = text("SELECT version_num FROM alembic_version")
_NUMBER = re.compile(r"[0-9]{4}")
_WRITTEN = "portal:ready"
_WRITTEN_FOR = 60


def worker_is_running(heartbeat: ScheduledTask | None, *, now: datetime) -> bool:
    """Return whether there was a recent heartbeat of a worker.

    :param heartbeat: the scheduled task of the heartbeat; None if no worker was ever started.
    """
    seen = heartbeat.last_finished_at if heartbeat else None
    return seen is not None and now - seen < WORKER_SILENCE


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
    """Report whether the databases, their migrations, Redis and a worker are available; 503 if not all of them are.

    The replica is reported too, but a portal without its replica serves every page.
    """
    checks = {"database": False, "migrations": False, "redis": False, "worker": False}
    try:
        revision = db.session.scalar(_REVISION)
        checks["database"] = True
        checks["migrations"] = has_migrations(revision, current_app.config["MIGRATION_HEAD"])
        beat = db.session.get(ScheduledTask, "heartbeat")
        checks["worker"] = worker_is_running(beat, now=clock.utc_now())
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
    ready = all(checks.values())
    replica = current_app.extensions["replica"]
    optional = {"replica": replica.state()} if replica is not None else {}
    return jsonify(status="ready" if ready else "not ready", checks=checks, **optional), 200 if ready else 503
