"""For whoever watches the portal: is it alive, is it ready."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from flask import Blueprint, Response, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models import clock
from models.db import db
from models.operations.schedule import ScheduledTask

blueprint = Blueprint("health", __name__)

WORKER_SILENCE = timedelta(minutes=3)
"""The heartbeat of the workers runs every minute; after this long without one they count as away."""

_WRITTEN = "portal:ready"
_WRITTEN_FOR = 60


def worker_lives(heartbeat: ScheduledTask | None, *, now: datetime) -> bool:
    """Whether a worker has given a sign of life lately.

    :param heartbeat: the row of that entry of the timetable, None where no worker was ever started.
    """
    seen = heartbeat.last_finished_at if heartbeat else None
    return seen is not None and now - seen < WORKER_SILENCE


@blueprint.get("/healthz")
def healthz() -> Response:
    """Alive: the process answers. Touches nothing else."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Ready: database, migrations, Redis and a worker are there."""
    checks = {"database": False, "migrations": False, "redis": False, "worker": False}
    try:
        revision = db.session.scalar(text("SELECT version_num FROM alembic_version"))
        checks["database"] = True
        checks["migrations"] = revision == current_app.config["MIGRATION_HEAD"]
        beat = db.session.get(ScheduledTask, "heartbeat")
        checks["worker"] = worker_lives(beat, now=clock.utc_now())
    except SQLAlchemyError:
        db.session.rollback()
    with suppress(RedisError):
        # Written, not asked: a replica, a full memory or a full disk answers a ping and takes no job.
        checks["redis"] = bool(current_app.extensions["redis"].set(_WRITTEN, "1", ex=_WRITTEN_FOR))
    ready = all(checks.values())
    return jsonify(status="ready" if ready else "not ready", checks=checks), 200 if ready else 503
