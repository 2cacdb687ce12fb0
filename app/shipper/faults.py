"""Simulated faults of UTMs, to check that the portal stores each alert once and rejects invalid lines.

==========  ====================================================================================================
fault       behaviour of the UTM: expected result in the portal
==========  ====================================================================================================
offline     is offline for a while, then sends all its alerts at once: stored
twice       sends the same lines twice: stored, then duplicates
restart     restarts before it has stored the response: the same as twice, with heartbeats of two boots
broken      sends lines with invalid JSON, without time or with an unknown type among valid ones, and such counts: only these are rejected
old         sends lines of ten years ago among valid ones: only these are rejected
ahead       sends lines of three days ahead among valid ones: only these are rejected
clock       has a clock that is hours off: stored with its times
slow        sends the body in pieces with pauses: stored
plain       sends an uncompressed body: stored
cut         loses the connection within a body and sends it again: each line stored once, the incomplete line rejected
==========  ====================================================================================================
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.shipper.batch import batches
from app.shipper.client import DeviceClient
from app.shipper.hourly_counts import SentCounts
from app.shipper.send_result import SendResult

FAULTS = ("offline", "twice", "restart", "broken", "old", "ahead", "clock", "slow", "plain", "cut")
_REPEATED = {"twice", "restart"}
NO_FAULT = "none"
_MAX_OFFLINE = 3  # ticks
_OLD, _AHEAD = timedelta(days=-3653), timedelta(days=3)
Line = dict[str, Any] | str
_BROKEN_COUNTS: tuple[Line, ...] = (
    '{"hour": "2026-11-22T00:00:00+00:00", "func',
    {"hour": "yesterday", "function": "ips", "category": "unknown", "count": 1},
    {"hour": "2026-11-22T00:00:00+00:00", "function": "unknown", "category": "unknown", "count": 1},
)


class FaultSchedule:
    """Chooses the faults of one UTM in random order.

    :param faults: each occurs once before any of them is repeated.
    :param fault_free_ticks: number of ticks without a fault in each cycle; if 0, the UTM is offline for one tick at most.
    :param rng: decides the order.
    :ivar offline: whether the UTM is offline in the current tick.
    """

    def __init__(self, faults: Sequence[str], fault_free_ticks: int, rng: random.Random) -> None:
        self.random = rng
        self.offline = False
        self._all_faults = [*faults, *[NO_FAULT] * fault_free_ticks] or [NO_FAULT]
        self._max_offline_ticks = _MAX_OFFLINE if fault_free_ticks else 1
        self._remaining: list[str] = []
        self._offline_ticks = 0

    def next_fault(self) -> str:
        """Return the fault of the next tick, or NO_FAULT."""
        if self.offline:
            self._offline_ticks -= 1
            return "offline" if self._offline_ticks > 0 else self.reconnect()
        if not self._remaining:
            self._remaining = self.random.sample(self._all_faults, len(self._all_faults))
        fault = self._remaining.pop()
        if fault == "offline":
            self.offline, self._offline_ticks = True, self.random.randint(1, self._max_offline_ticks)
        return fault

    def reconnect(self) -> str:
        """End the offline period; return the fault under which the queued alerts are counted."""
        self.offline = False
        return "offline"


@dataclass
class FaultResult:
    """The outcome of the lines that were sent with a fault.

    :ivar times: how often the fault occurred.
    :ivar threat_stats: the outcome of the hourly counts.
    :ivar unexpected: how often the outcome was not as expected.
    :ivar unexpected_because: the difference.
    """

    times: int = 0
    sent: SendResult = field(default_factory=SendResult)
    threat_stats: SendResult = field(default_factory=SendResult)
    unexpected: int = 0
    unexpected_because: str = ""

    def add(self, other: FaultResult) -> None:
        """Add the outcome of another occurrence."""
        self.times += other.times
        self.sent.add(other.sent)
        self.threat_stats.add(other.threat_stats)
        self.unexpected += other.unexpected

    def expect(self, *, rejected: int, duplicate: int) -> None:
        """Compare the outcome with the expected one. There may be more duplicates, since lines are sent again after a lost response."""
        if self.sent.rejected != rejected or self.sent.duplicate < duplicate:
            self.unexpected = 1
            self.unexpected_because = (
                f"{self.sent.rejected:,} rejected and {self.sent.duplicate:,} duplicate, "
                f"where {rejected:,} and {duplicate:,} were expected"
            )

    def expect_counts(self, *, rejected: int) -> None:
        """Compare the outcome of the hourly counts with the expected one. An older portal takes none."""
        if self.threat_stats.sent and self.threat_stats.rejected != rejected:
            self.unexpected = 1
            self.unexpected_because = (
                f"{self.threat_stats.rejected:,} hourly counts rejected, where {rejected:,} were expected"
            )


def send_with_fault(  # noqa: PLR0913  (what a UTM consists of)
    fault: str,
    client: DeviceClient,
    alerts: list[dict[str, Any]],
    counts: SentCounts,
    *,
    make_alert: Callable[[datetime], dict[str, Any]],
    restart: Callable[[], None],
    rng: random.Random,
) -> FaultResult:
    """Send the alerts of a UTM and their hourly counts with a fault, and compare the outcome with the expected one.

    :param counts: the counts of the UTM, to which the alerts are added.
    :param make_alert: returns another alert of the UTM, from which invalid lines are made.
    :param restart: restarts the UTM.
    :param rng: decides the number and places of invalid lines.
    :raises app.shipper.client.DeviceError: the alerts could not be delivered.
    """
    result = FaultResult(times=1)
    invalid = _invalid_lines(fault, make_alert, rng)
    lines: list[Line] = [*alerts]
    for line in invalid:
        lines.insert(rng.randint(0, len(lines)), line)
    if fault == "clock":
        alerts = _with_clock_offset(alerts, timedelta(minutes=rng.choice([-1, 1]) * rng.randint(30, 20 * 60)))
        lines = [*alerts]
    part = client.send_partial(next(batches(lines)), share=rng.random()) if fault == "cut" and alerts else SendResult()
    result.sent.add(part)
    changed = counts.add(alerts)
    for again in range(2 if fault in _REPEATED else 1):
        if again and fault == "restart":
            restart()
        for batch in batches(lines):
            result.sent.add(client.send_batch(batch, compressed=fault != "plain", slowly=fault == "slow"))
        result.threat_stats.add(client.send_threat_stats([*(_BROKEN_COUNTS if fault == "broken" else ()), *changed]))
    counts.confirm()
    # The incomplete last line of a partial body is rejected.
    result.expect(rejected=len(invalid) + bool(part.sent), duplicate=len(lines) if fault in _REPEATED else part.stored)
    result.expect_counts(rejected=len(_BROKEN_COUNTS) if fault == "broken" else 0)
    return result


def _invalid_lines(fault: str, make_alert: Callable[[datetime], dict[str, Any]], rng: random.Random) -> list[Line]:
    now = datetime.now(UTC)
    number = rng.randint(1, 3)
    if fault == "old":
        return [make_alert(now + _OLD) for _ in range(number)]
    if fault == "ahead":
        return [make_alert(now + _AHEAD) for _ in range(number)]
    if fault == "broken":
        half = json.dumps(make_alert(now), ensure_ascii=False)
        timeless = {key: value for key, value in make_alert(now).items() if key != "time"}
        return [half[: len(half) // 2], timeless, make_alert(now) | {"type": "unknown"}]
    return []


def _with_clock_offset(alerts: Iterable[dict[str, Any]], offset: timedelta) -> list[dict[str, Any]]:
    return [
        line | {"time": (datetime.fromisoformat(line["time"]) + offset).isoformat(timespec="milliseconds")}
        for line in alerts
    ]
