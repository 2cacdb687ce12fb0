"""The engines of the databases that the settings name."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import Engine

from models.db import ALERTS, db

_SETTINGS = {None: "DATABASE_URL", ALERTS: "ALERT_DATABASE_URL"}
"""The names of the settings by Flask-SQLAlchemy's keys of the engines."""


def engines(app: Flask) -> dict[str, Engine]:
    """Return the engine of each database by the name of the setting with its URL; in an application context."""
    found = {_SETTINGS[key]: engine for key, engine in db.engines.items()}
    if (replica := app.extensions["replica"]) is not None:
        found["READ_DATABASE_URL"] = replica.engine
    return found
