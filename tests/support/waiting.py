"""Waiting for what another thread does in the database."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Engine, text


def wait_until_somebody_waits(engine: Engine) -> None:
    """Wait until a transaction of this database waits for a row of another; fail when none does within 10 seconds."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(1_000):
        with engine.connect() as connection:
            if connection.scalar(waiting):
                return
        time.sleep(0.01)
    pytest.fail("Nobody waited for the row.")
