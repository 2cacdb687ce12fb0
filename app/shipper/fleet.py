"""Plays a fleet of UTMs: their heartbeats and alerts, and on request what goes wrong with them (faults.py).

What a UTM tells depends on the seed and its ID alone; only the times are those of the clock.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.shipper.client import DeviceClient, DeviceError
from app.shipper.faults import CALM, Deck, Told, tell
from app.shipper.sample_alerts import ROUND, invented_alert
from app.shipper.send_result import Sent

VERSION = "1.4.4"
_SHORTEST_TICK, _LONGEST_TICK = 5, 60
_MOST_PROBLEMS = 10


@dataclass
class Played:
    """What a fleet did.

    :ivar faults: what was sent with each fault, and under CALM without one.
    :ivar problems: what went wrong without being asked for, the first few, each with the UTM's ID.
    """

    heartbeats: int = 0
    commands: int = 0
    failures: int = 0
    sent: Sent = field(default_factory=Sent)
    faults: dict[str, Told] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether each call got through and the portal took and refused what it should."""
        return not (self.failures or any(told.unexpected for told in self.faults.values()))

    def count(self, fault: str, told: Told) -> None:
        """Add what became of the lines of one UTM in one tick."""
        self.sent.add(told.sent)
        self.faults.setdefault(fault, Told()).add(told)

    def note(self, problem: str) -> None:
        """Keep a problem, if it is one of the first."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem)


class Utm:
    """One invented UTM.

    :param utm_id: its ID in the portal.
    :param started: when it was switched on; the first half of its alert IDs, as with the real ones.
    :param faults: what goes wrong with it, each once before any comes again.
    :param calm: how many ticks without a fault are dealt among them.
    """

    def __init__(  # noqa: PLR0913  (what it is made of)
        self,
        utm_id: str,
        client: DeviceClient,
        *,
        seed: int,
        started: datetime,
        faults: Sequence[str] = (),
        calm: int = 0,
    ) -> None:
        self.utm_id = utm_id
        self.client = client
        self.random = random.Random(f"{seed}:{utm_id}")  # noqa: S311  (a play, nothing secret)
        self.deck = Deck(faults, calm, random.Random(f"{seed}:{utm_id}:faults"))  # noqa: S311  (the same)
        self.kept: list[dict[str, Any]] = []
        self._started = int(started.timestamp())
        self._count = 0
        self._round: list[str] = []
        self._owed = 0.0
        self.ip = f"192.168.{self.random.randint(1, 99)}.{self.random.randint(100, 199)}"
        self.mac = "02:00:" + ":".join(f"{self.random.randrange(256):02x}" for _ in range(4))

    def alerts(self, rate: float, begin: datetime, seconds: float, *, least: int = 0) -> list[dict[str, Any]]:
        """Return the alerts of a span of time.

        :param rate: alerts per minute; parts of one are carried over to the next span.
        :param begin: where the span begins, with a zone.
        :param least: as many at any rate, so that a fault has something to happen to.
        """
        self._owed += rate * seconds / 60
        number, self._owed = max(int(self._owed), least), self._owed % 1
        offsets = sorted(self.random.random() * seconds for _ in range(number))
        return [self.alert(begin + timedelta(seconds=offset)) for offset in offsets]

    def alert(self, when: datetime) -> dict[str, Any]:
        """Return the next alert."""
        if not self._round:
            self._round = self.random.sample(ROUND, len(ROUND))
        self._count += 1
        line = {"alert_id": f"{self._started}-{self._count}"}
        return line | invented_alert(self._round.pop(), self.ip.rsplit(".", 1)[0], when, self.random)


class Fleet:
    """Plays several UTMs side by side.

    :param utms: the UTMs; one whose calls fail keeps being tried, the others go on.
    :param rate: alerts per minute and UTM.
    """

    def __init__(self, utms: list[Utm], *, rate: float) -> None:
        self.utms = utms
        self.rate = rate
        self.played = Played()

    @property
    def kept(self) -> int:
        """How many alerts the UTMs that are silent have kept."""
        return sum(len(utm.kept) for utm in self.utms)

    def tick(self, begin: datetime, seconds: float) -> float:
        """Send one heartbeat and the alerts of a span of time for each UTM; return the seconds until the portal wants the next.

        :raises DeviceError: not one UTM that is not silent got through.
        """
        wanted: list[float] = []
        trouble: DeviceError | None = None
        for utm in self.utms:
            fault = utm.deck.draw()
            alerts = utm.alerts(self.rate, begin, seconds, least=int(fault != CALM))
            if utm.deck.silent:
                utm.kept += alerts
                continue
            try:
                wanted.append(self._speak(utm, fault, alerts))
            except DeviceError as error:
                trouble = self._failed(utm, error)
        if trouble and not wanted:
            raise trouble
        return float(min(_LONGEST_TICK, max(_SHORTEST_TICK, min(wanted, default=_LONGEST_TICK))))

    def end(self) -> None:
        """Let the UTMs that are silent return with what they have kept."""
        for utm in self.utms:
            if utm.deck.silent:
                try:
                    self._speak(utm, utm.deck.wake(), [])
                except DeviceError as error:
                    self._failed(utm, error)

    def _speak(self, utm: Utm, fault: str, alerts: list[dict[str, Any]]) -> float:
        answer = utm.client.heartbeat(version=VERSION, ip=utm.ip, mac=utm.mac)
        self.played.heartbeats += 1
        self.played.commands += len(answer["commands"])
        told = tell(fault, utm.client, utm.kept + alerts, utm.alert, utm.deck.random)
        utm.kept = []
        self.played.count(fault, told)
        if told.unexpected:
            self.played.note(f"{utm.utm_id}, {fault}: {told.unexpected_because}")
        following = answer.get("next_seconds")
        return following if isinstance(following, int | float) else _LONGEST_TICK

    def _failed(self, utm: Utm, error: DeviceError) -> DeviceError:
        self.played.failures += 1
        self.played.note(f"{utm.utm_id}: {error}")
        return error
