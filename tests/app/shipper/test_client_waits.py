"""Retries if the portal is unavailable or its response is incomplete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from app.shipper.client import DeviceClient, DeviceError
from app.shipper.send_result import SendResult
from tests.app.shipper.client_helpers import BUSY, LOST, lines


def test_transient_errors_are_retried_with_increasing_delays(
    portal: Any, connect: Callable[..., DeviceClient], waits: list[float]
) -> None:
    portal.script = [BUSY, (500, {}, b""), LOST, (429, {}, b"")]

    assert connect().send_alerts(lines(2)).stored == 2
    assert waits == [1, 2, 4, 8]
    assert len(portal.calls) == 5


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("7", 7, 7),
        ("86400", 60, 60),
        ("0", 1, 1),
        ("soon", 1, 1),
        ("-5", 1, 1),
        (timedelta(hours=1), 60, 60),
        (timedelta(hours=-1), 1, 1),
    ],
    ids=["seconds", "more than a minute", "none", "a word", "a negative number", "a date to come", "a date gone by"],
)
def test_retry_after_is_honoured_up_to_a_minute(
    portal: Any,
    connect: Callable[..., DeviceClient],
    waits: list[float],
    value: str | timedelta,
    low: float,
    high: float,
) -> None:
    # A date is made here: among the parameters it would be the test's name, and another one in each worker of a run.
    if isinstance(value, timedelta):
        value = format_datetime(datetime.now(UTC) + value, usegmt=True)
    portal.script = [(429, {"Retry-After": value}, b"")]

    connect().send_alerts(lines(1))

    assert len(waits) == 1
    assert low <= waits[0] <= high


def test_a_response_for_only_some_of_the_lines_is_retried(
    portal: Any, connect: Callable[..., DeviceClient], waits: list[float]
) -> None:
    """A proxy may lose the end of a body; the response then covers only the start."""
    portal.script = [(200, {}, b'{"received": 2, "stored": 2, "duplicate": 0, "rejected": []}')]

    assert connect().send_alerts(lines(3)) == SendResult(sent=3, stored=3)
    assert waits == [1]


def test_waiting_for_the_portal_is_reported_once_and_so_is_its_return(
    portal: Any, connect: Callable[..., DeviceClient]
) -> None:
    messages: list[str] = []
    portal.script = [BUSY] * 4

    connect(notify=messages.append).send_alerts(lines(1))

    assert messages == [
        f"The portal at {portal.url} answered 503; trying again.",
        f"The portal at {portal.url} answers again.",
    ]


def test_without_a_number_of_attempts_it_never_gives_up(
    portal: Any, connect: Callable[..., DeviceClient], waits: list[float]
) -> None:
    portal.script = [BUSY] * 30

    assert connect(attempts=None).send_alerts(lines(1)).stored == 1
    assert waits == [1, 2, 4, 8, 16, 32] + [60] * 24


def test_it_gives_up_in_the_end_and_keeps_count(
    portal: Any, connect: Callable[..., DeviceClient], waits: list[float]
) -> None:
    portal.script = [(200, {}, b'{"received": 5000, "stored": 5000, "duplicate": 0, "rejected": []}')] + [BUSY] * 6
    progress = SendResult()

    with pytest.raises(DeviceError, match=r"answered 503, 6 times\. It is safe to run this again later\."):
        connect().send_alerts(lines(6000), progress=progress)
    assert progress.stored == 5000
    assert waits == [1, 2, 4, 8, 16]
