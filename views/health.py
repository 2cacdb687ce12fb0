"""For whoever watches the portal: is it alive, is it ready."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from flask import Blueprint, Response, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models import clock
from models.db import db
from models.timetable import ScheduledTask

blueprint = Blueprint("health", __name__)

WORKER_SILENCE = timedelta(minutes=3)
"""The heartbeat of the workers runs every minute; after this long without one they count as away."""


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
        seen = beat.last_finished_at if beat else None
        checks["worker"] = seen is not None and clock.utc_now() - seen < WORKER_SILENCE
    except SQLAlchemyError:
        db.session.rollback()
    with suppress(RedisError):
        checks["redis"] = bool(current_app.extensions["redis"].ping())
    ready = all(checks.values())
    return jsonify(status="ready" if ready else "not ready", checks=checks), 200 if ready else 503
