from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from jobs.heartbeat import beat
from models import clock

NOW = datetime(2026, 11, 22, 3, 0, 5, tzinfo=UTC)


@pytest.mark.usefixtures("context")
def test_a_heartbeat_notes_when_it_was_and_two_leave_what_one_leaves(new_timetable, row):
    new_timetable(NOW)
    with time_machine.travel(NOW, tick=False):
        beat()
        beat()
    assert row("heartbeat").last_finished_at == NOW
    assert row("heartbeat").last_error is None
    assert row("heartbeat").next_run_at == NOW


def test_readyz_sees_a_worker_for_three_minutes_after_its_heartbeat(app, client, new_timetable):
    def is_seen(*, since: timedelta) -> bool:
        with app.app_context(), time_machine.travel(now - since, tick=False):
            beat()
        return client.get("/readyz").json["checks"]["worker"]

    now = clock.utc_now()
    new_timetable(now)
    assert client.get("/readyz").json["checks"]["worker"] is False
    assert is_seen(since=timedelta(seconds=150)) is True
    assert is_seen(since=timedelta(seconds=181)) is False
