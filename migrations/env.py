"""Alembic environment of the main database."""

from __future__ import annotations

from app.database.migrations import run

run()
