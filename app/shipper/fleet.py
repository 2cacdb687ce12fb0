"""Simulates a fleet of UTMs: their heartbeats, reboots and alerts, and optionally faults (faults.py).

The alerts of a UTM depend only on the seed and its ID, apart from their times.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.shipper.client import DeviceClient, DeviceError
from app.shipper.faults import NO_FAULT, FaultResult, FaultSchedule, send_with_fault
from app.shipper.sample_alerts import ALERT_MIX, sample_alert
from app.shipper.send_result import SendResult

VERSION = "1.4.4"
_MIN_TICK, _MAX_TICK = 5, 60
_MAX_LISTED = 10


@dataclass
class SimulationResult:
    """Counts of a simulation.

    :ivar faults: the outcome of each fault; under NO_FAULT of what was sent without one.
    :ivar problems: the first unexpected problems, each with the UTM's ID.
    """

    heartbeats: int = 0
    commands: int = 0
    failures: int = 0
    sent: SendResult = field(default_factory=SendResult)
    faults: dict[str, FaultResult] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def successful(self) -> bool:
        """Whether all requests succeeded and all outcomes were as expected."""
        return not (self.failures or any(result.unexpected for result in self.faults.values()))

    def count(self, fault: str, result: FaultResult) -> None:
        """Add the outcome of one UTM in one tick."""
        self.sent.add(result.sent)
        self.faults.setdefault(fault, FaultResult()).add(result)

    def add_problem(self, problem: str) -> None:
        """List a problem, if it is one of the first."""
        if len(self.problems) < _MAX_LISTED:
            self.problems.append(problem)


class SimulatedUtm:
    """One simulated UTM.

    :param utm_id: its ID in the portal.
    :param started: when it was started, which is the first part of its alert IDs.
    :param faults: its faults; each occurs once before any of them is repeated.
    :param fault_free_ticks: number of ticks without a fault in each cycle.
    """

    def __init__(  # noqa: PLR0913  (its properties)
        self,
        utm_id: str,
        client: DeviceClient,
        *,
        seed: int,
        started: datetime,
        faults: Sequence[str] = (),
        fault_free_ticks: int = 0,
    ) -> None:
        self.utm_id = utm_id
        self.client = client
        self.random = random.Random(f"{seed}:{utm_id}")  # noqa: S311  (not used for security)
        self.schedule = FaultSchedule(faults, fault_free_ticks, random.Random(f"{seed}:{utm_id}:faults"))  # noqa: S311  (not used for security)
        self.queued: list[dict[str, Any]] = []
        self._started = int(started.timestamp())
        self._count = 0
        self._boots = 1
        self._remaining_kinds: list[str] = []
        self._alert_debt = 0.0
        self.ip = f"192.168.{self.random.randint(1, 99)}.{self.random.randint(100, 199)}"
        self.mac = "02:00:" + ":".join(f"{self.random.randrange(256):02x}" for _ in range(4))

    @property
    def boot_id(self) -> str:
        """Identifies the boot that the UTM is in."""
        return f"{self._started}-{self._boots}"

    def reboot(self) -> None:
        """Reboot, which takes no time: the next heartbeat has another ``boot_id``."""
        self._boots += 1

    def alerts(self, rate: float, begin: datetime, seconds: float, *, minimum: int = 0) -> list[dict[str, Any]]:
        """Return the alerts of a period.

        :param rate: alerts per minute; fractions are carried over to the next period.
        :param begin: the start of the period, with a time zone.
        :param seconds: the length of the period.
        :param minimum: the least number of alerts, so that a fault has an effect.
        """
        self._alert_debt += rate * seconds / 60
        number, self._alert_debt = max(int(self._alert_debt), minimum), self._alert_debt % 1
        offsets = sorted(self.random.random() * seconds for _ in range(number))
        return [self.alert(begin + timedelta(seconds=offset)) for offset in offsets]

    def alert(self, when: datetime) -> dict[str, Any]:
        """Return the next alert."""
        if not self._remaining_kinds:
            self._remaining_kinds = self.random.sample(ALERT_MIX, len(ALERT_MIX))
        self._count += 1
        line = {"alert_id": f"{self._started}-{self._count}"}
        return line | sample_alert(self._remaining_kinds.pop(), self.ip.rsplit(".", 1)[0], when, self.random)


class Fleet:
    """Simulates several UTMs. If the requests of one fail, the others continue, and it is tried again in the next tick.

    :param rate: alerts per minute and UTM.
    """

    def __init__(self, utms: list[SimulatedUtm], *, rate: float) -> None:
        self.utms = utms
        self.rate = rate
        self.result = SimulationResult()

    @property
    def queued(self) -> int:
        """Number of alerts that offline UTMs have not sent yet."""
        return sum(len(utm.queued) for utm in self.utms)

    def tick(self, begin: datetime, seconds: float) -> float:
        """Send a heartbeat and the alerts of a period for each UTM; return the seconds until the next heartbeat is due.

        :raises DeviceError: the requests of all UTMs failed.
        """
        intervals: list[float] = []
        last_error: DeviceError | None = None
        for utm in self.utms:
            fault = utm.schedule.next_fault()
            alerts = utm.alerts(self.rate, begin, seconds, minimum=int(fault != NO_FAULT))
            if utm.schedule.offline:
                utm.queued += alerts
                continue
            try:
                intervals.append(self._send(utm, fault, alerts))
            except DeviceError as error:
                last_error = self._record_failure(utm, error)
        if last_error and not intervals:
            raise last_error
        return float(min(_MAX_TICK, max(_MIN_TICK, min(intervals, default=_MAX_TICK))))

    def end(self) -> None:
        """Let the offline UTMs send their queued alerts."""
        for utm in self.utms:
            if utm.schedule.offline:
                try:
                    self._send(utm, utm.schedule.reconnect(), [])
                except DeviceError as error:
                    self._record_failure(utm, error)

    def _send(self, utm: SimulatedUtm, fault: str, alerts: list[dict[str, Any]]) -> float:
        answer = utm.client.heartbeat(version=VERSION, ip=utm.ip, mac=utm.mac, boot_id=utm.boot_id)
        self.result.heartbeats += 1
        self.result.commands += len(answer["commands"])
        if answer["commands"]:
            utm.reboot()
        result = send_with_fault(fault, utm.client, utm.queued + alerts, utm.alert, utm.schedule.random)
        utm.queued = []
        self.result.count(fault, result)
        if result.unexpected:
            self.result.add_problem(f"{utm.utm_id}, {fault}: {result.unexpected_because}")
        next_seconds = answer.get("next_seconds")
        return next_seconds if isinstance(next_seconds, int | float) else _MAX_TICK

    def _record_failure(self, utm: SimulatedUtm, error: DeviceError) -> DeviceError:
        self.result.failures += 1
        self.result.add_problem(f"{utm.utm_id}: {error}")
        return error
