"""What goes wrong with UTMs, played on purpose: to see that the portal stores each alert once and refuses what is none.

==========  ====================================================================================================
fault       what the UTM does, and what the portal should make of it
==========  ====================================================================================================
offline     is silent for a while, then sends all it kept in a burst: stored
twice       sends the same lines twice: stored once, the second time duplicates
broken      sends lines that are no JSON, have no time or an unknown type among good ones: these refused, those stored
old         sends lines of ten years ago among good ones: the same
ahead       sends lines of three days ahead among good ones: the same
clock       has a clock that is hours off: stored, at the time that it says
plain       sends a body that is not compressed: stored
cut         loses the connection in the middle of a body and sends it again: each line stored once, and the end refused where it broke off
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
from app.shipper.send_result import Sent

FAULTS = ("offline", "twice", "broken", "old", "ahead", "clock", "plain", "cut")
CALM = "none"
_LONGEST_SILENCE = 3  # ticks
_OLD, _AHEAD = timedelta(days=-3653), timedelta(days=3)
Line = dict[str, Any] | str


class Deck:
    """Deals the faults of one UTM.

    :param faults: what is dealt, each once before any comes again.
    :param calm: how many ticks without a fault are dealt among them; with none, a silence is no longer than one tick.
    :param pick: the order.
    :ivar silent: whether the UTM is silent in this tick.
    """

    def __init__(self, faults: Sequence[str], calm: int, pick: random.Random) -> None:
        self.random = pick
        self.silent = False
        self._cards = [*faults, *[CALM] * calm] or [CALM]
        self._longest_silence = _LONGEST_SILENCE if calm else 1
        self._pile: list[str] = []
        self._silence = 0

    def draw(self) -> str:
        """Return the fault of the next tick, or CALM."""
        if self.silent:
            self._silence -= 1
            return "offline" if self._silence > 0 else self.wake()
        if not self._pile:
            self._pile = self.random.sample(self._cards, len(self._cards))
        fault = self._pile.pop()
        if fault == "offline":
            self.silent, self._silence = True, self.random.randint(1, self._longest_silence)
        return fault

    def wake(self) -> str:
        """End a silence: what was kept goes out as the fault ``offline``."""
        self.silent = False
        return "offline"


@dataclass
class Told:
    """What became of lines that were sent with a fault.

    :ivar times: how often that was.
    :ivar unexpected: how often the portal made something else of them than it should.
    """

    times: int = 0
    sent: Sent = field(default_factory=Sent)
    unexpected: int = 0
    unexpected_because: str = ""

    def add(self, other: Told) -> None:
        """Add another time."""
        self.times += other.times
        self.sent.add(other.sent)
        self.unexpected += other.unexpected

    def expect(self, *, rejected: int, duplicate: int) -> None:
        """Compare with what should have become of them. A lost answer makes more duplicates, for the lines go out again."""
        if self.sent.rejected != rejected or self.sent.duplicate < duplicate:
            self.unexpected = 1
            self.unexpected_because = (
                f"{self.sent.rejected:,} rejected and {self.sent.duplicate:,} duplicate, "
                f"where {rejected:,} and {duplicate:,} were expected"
            )


def tell(
    fault: str,
    client: DeviceClient,
    alerts: list[dict[str, Any]],
    another: Callable[[datetime], dict[str, Any]],
    pick: random.Random,
) -> Told:
    """Send the alerts of a UTM with a fault, and compare what the portal makes of them with what it should.

    :param another: makes one more alert of that UTM, for the bad lines.
    :param pick: decides how many bad lines there are, where, and the like.
    :raises app.shipper.client.DeviceError: they could not be delivered.
    """
    told = Told(times=1)
    bad = _bad_lines(fault, another, pick)
    lines: list[Line] = [*alerts]
    for line in bad:
        lines.insert(pick.randint(0, len(lines)), line)
    if fault == "clock":
        lines = _by_a_clock_that_is_off(alerts, timedelta(minutes=pick.choice([-1, 1]) * pick.randint(30, 20 * 60)))
    part = client.break_off(next(batches(lines)), share=pick.random()) if fault == "cut" and alerts else Sent()
    told.sent.add(part)
    for _ in range(2 if fault == "twice" else 1):
        for batch in batches(lines):
            told.sent.add(client.send_batch(batch, packed=fault != "plain"))
    # Where a body broke off counts as a line.
    told.expect(rejected=len(bad) + bool(part.sent), duplicate=len(lines) if fault == "twice" else part.stored)
    return told


def _bad_lines(fault: str, another: Callable[[datetime], dict[str, Any]], pick: random.Random) -> list[Line]:
    now = datetime.now(UTC)
    number = pick.randint(1, 3)
    if fault == "old":
        return [another(now + _OLD) for _ in range(number)]
    if fault == "ahead":
        return [another(now + _AHEAD) for _ in range(number)]
    if fault == "broken":
        half = json.dumps(another(now), ensure_ascii=False)
        timeless = {key: value for key, value in another(now).items() if key != "time"}
        return [half[: len(half) // 2], timeless, another(now) | {"type": "unknown"}]
    return []


def _by_a_clock_that_is_off(alerts: Iterable[dict[str, Any]], by: timedelta) -> list[Line]:
    return [
        line | {"time": (datetime.fromisoformat(line["time"]) + by).isoformat(timespec="milliseconds")}
        for line in alerts
    ]
