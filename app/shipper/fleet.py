"""Simulates a fleet of UTMs: their heartbeats, alerts, statistics and reboots, and optionally faults (faults.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.shipper.client import DeviceError
from app.shipper.faults import NO_FAULT, FaultResult, send_with_fault
from app.shipper.send_result import SendResult
from app.shipper.simulated_utm import SimulatedUtm

REBOOT_SECONDS = 20.0
_MIN_TICK, _MAX_TICK = 5, 60
_MAX_LISTED = 10


@dataclass
class SimulationResult:
    """Counts of a simulation.

    :ivar commands: number of commands by their last state: started, succeeded or failed.
    :ivar faults: the outcome of each fault; under NO_FAULT of what was sent without one.
    :ivar problems: the first unexpected problems, each with the UTM's ID.
    """

    heartbeats: int = 0
    commands: dict[str, int] = field(default_factory=lambda: {"started": 0, "succeeded": 0, "failed": 0})
    failures: int = 0
    sent: SendResult = field(default_factory=SendResult)
    threat_stats: SendResult = field(default_factory=SendResult)
    faults: dict[str, FaultResult] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def successful(self) -> bool:
        """Whether all requests succeeded and all outcomes were as expected."""
        return not (self.failures or any(result.unexpected for result in self.faults.values()))

    def count(self, fault: str, result: FaultResult) -> None:
        """Add the outcome of one UTM in one tick."""
        self.sent.add(result.sent)
        self.threat_stats.add(result.threat_stats)
        self.faults.setdefault(fault, FaultResult()).add(result)

    def add_problem(self, problem: str) -> None:
        """List a problem, if it is one of the first."""
        if len(self.problems) < _MAX_LISTED:
            self.problems.append(problem)


class Fleet:
    """Simulates several UTMs. If the requests of one fail, the others continue, and it is tried again in the next tick.

    :param rate: alerts per minute and UTM.
    :param reboot_seconds: how long a UTM is silent when it is rebooted.
    """

    def __init__(self, utms: list[SimulatedUtm], *, rate: float, reboot_seconds: float = REBOOT_SECONDS) -> None:
        self.utms = utms
        self.rate = rate
        self.result = SimulationResult()
        self._silence = timedelta(seconds=reboot_seconds)

    @property
    def queued(self) -> int:
        """Number of alerts that offline UTMs have not sent yet."""
        return sum(len(utm.queued) for utm in self.utms)

    def tick(self, begin: datetime, seconds: float) -> float:
        """Send a heartbeat and the alerts of a period for each UTM; return the seconds until the next heartbeat is due.

        A UTM that is rebooting sends nothing and detects nothing.

        :raises DeviceError: the requests of all UTMs failed.
        """
        now = begin + timedelta(seconds=seconds)
        intervals: list[float] = []
        last_error: DeviceError | None = None
        for utm in self.utms:
            if utm.reboot and now < utm.reboot.until:
                intervals.append((utm.reboot.until - now).total_seconds())
                continue
            fault = utm.schedule.next_fault()
            alerts = utm.alerts(self.rate, begin, seconds, minimum=int(fault != NO_FAULT))
            if utm.schedule.offline:
                utm.queued += alerts
                continue
            try:
                intervals.append(self._send(utm, fault, alerts, now))
            except DeviceError as error:
                last_error = self._record_failure(utm, error)
        if last_error and not intervals:
            raise last_error
        return float(min(_MAX_TICK, max(_MIN_TICK, min(intervals, default=_MAX_TICK))))

    def end(self, now: datetime, sleep: Callable[[float], None]) -> None:
        """Let the UTMs that are rebooting come back, and the offline ones send their queued alerts."""
        back = max((utm.reboot.until for utm in self.utms if utm.reboot), default=now)
        if back > now:
            sleep((back - now).total_seconds())
        for utm in self.utms:
            try:
                if utm.schedule.offline:
                    self._send(utm, utm.schedule.reconnect(), [], max(now, back))
                elif utm.reboot:
                    self._contact(utm, max(now, back))
            except DeviceError as error:
                self._record_failure(utm, error)

    def _send(self, utm: SimulatedUtm, fault: str, alerts: list[dict[str, Any]], now: datetime) -> float:
        answer = self._contact(utm, now, times=2 if fault == "twice" else 1)

        def restart() -> None:
            utm.restart(now)
            self._contact(utm, now)

        result = send_with_fault(
            fault,
            utm.client,
            utm.queued + alerts,
            utm.counts,
            make_alert=utm.alert,
            restart=restart,
            rng=utm.schedule.random,
        )
        utm.queued = []
        self.result.count(fault, result)
        if result.unexpected:
            self.result.add_problem(f"{utm.utm_id}, {fault}: {result.unexpected_because}")
        for command in answer["commands"]:
            if state := utm.carry_out(command, now, self._silence):
                self.result.commands[state] += 1
        if utm.reboot:
            return self._silence.total_seconds()
        next_seconds = answer.get("next_seconds")
        return next_seconds if isinstance(next_seconds, int | float) else _MAX_TICK

    def _contact(self, utm: SimulatedUtm, now: datetime, *, times: int = 1) -> dict[str, Any]:
        """Send a heartbeat, and the result of a reboot that has ended.

        :param times: how often to send the result.
        """
        rebooted = utm.reboot is not None
        if utm.reboot:
            utm.restart(utm.reboot.until)
        answer = utm.heartbeat()
        self.result.heartbeats += 1
        utm.finish_reboot(now, times=times)
        if rebooted:
            self.result.commands["started"] -= 1
            self.result.commands["succeeded"] += 1
        return answer

    def _record_failure(self, utm: SimulatedUtm, error: DeviceError) -> DeviceError:
        self.result.failures += 1
        self.result.add_problem(f"{utm.utm_id}: {error}")
        return error
