"""Alembic environment of the database of the alerts, for installations that have one (docs/scaling.md)."""

from __future__ import annotations

from app.database.migrations import run

run(alerts=True)
