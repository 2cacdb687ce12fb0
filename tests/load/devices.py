"""A process that simulates the UTMs: ``python -m tests.load.devices orders.json result.json``, until SIGTERM.

All UTMs share a few connections and one thread: each heartbeat and each alert has a planned time, and is sent over the
next connection that is free. A UTM that gets the command to reboot reports that it starts, and has another boot ID from
then on. It does not remember commands, so that one that is given twice is carried out twice. Alerts that were not
acknowledged are sent again.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import random
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.load.connection import Answer, Connection, Unanswered
from tests.load.environment import FIRMWARE

AGAIN_AFTER = 1.0
"""Seconds until an alert is sent again, or a report."""

BOOT_TAKES = 3.0
"""Seconds until a UTM that reboots sends its next heartbeat."""

DRAIN = 30.0
"""Seconds in which what is under way must be acknowledged at the end."""

_CONNECTIONS = 16
_HIGH_SHARE = 0.05


@dataclass
class Orders:
    """What the process is to do.

    :ivar utms: the key and the token of each.
    :ivar alerts_per_second: of all UTMs together.
    :ivar run: distinguishes the alerts of this run.
    """

    ports: list[int]
    utms: list[tuple[int, str]]
    heartbeat_seconds: float
    alerts_per_second: float
    run: str


@dataclass
class Result:
    """What happened; it is written at the end.

    :ivar heartbeats: how many were due and sent.
    :ivar acknowledged: how many of them were answered as expected.
    :ivar seen: the keys of the UTMs whose heartbeat was acknowledged.
    :ivar latencies: milliseconds from the planned time of a request to its answer, so that waiting for a free
        connection counts.
    :ivar failures: the time, the request and what was wrong, for each request without the expected answer.
    :ivar alerts: the key of the UTM and whether it was acknowledged, for each alert that was sent.
    :ivar executed: the reboots that were carried out: the ID of the command and the time.
    """

    heartbeats: int = 0
    acknowledged: int = 0
    seen: list[int] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    failures: list[tuple[float, str, str]] = field(default_factory=list)
    alerts: dict[str, tuple[int, bool]] = field(default_factory=dict)
    executed: list[tuple[str, float]] = field(default_factory=list)


@dataclass(order=True)
class _Planned:
    """A request and the time at which it is sent.

    :ivar what: the alert or the command; empty for a heartbeat of the regular rhythm. What has a name is sent again
        until it is acknowledged.
    """

    at: float
    number: int
    kind: str = field(compare=False)
    utm: int = field(compare=False)
    what: str = field(compare=False, default="")


class Fleet:
    """The UTMs."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.result = Result()
        self._pick = random.Random(orders.run)
        self._numbers = itertools.count()
        self._plan: list[_Planned] = []
        self._due: asyncio.Queue[_Planned] = asyncio.Queue()
        self._under_way = 0
        self._stopping = False
        self._boots = [0] * len(orders.utms)
        self._seen: set[int] = set()
        self._bodies: dict[str, dict[str, str]] = {}

    async def simulate(self) -> Result:
        """Play until ``stop`` is called, and return what happened."""
        began = time.monotonic()
        every = self.orders.heartbeat_seconds
        for index in range(len(self.orders.utms)):
            self._add(began + every * index / len(self.orders.utms), "heartbeat", index)
        if self.orders.alerts_per_second:
            self._add(began, "alert", self._pick.randrange(len(self.orders.utms)))
        senders = [asyncio.create_task(self._send_all(number)) for number in range(_CONNECTIONS)]
        while not self._stopping:
            self._move_due()
            await asyncio.sleep(0.01)
        await self._drain()
        for each in senders:
            each.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        self.result.seen = sorted(self._seen)
        return self.result

    def stop(self) -> None:
        """Send nothing new."""
        self._stopping = True

    async def _drain(self) -> None:
        """Finish what is under way, and send what was not acknowledged again."""
        until = time.monotonic() + DRAIN
        self._plan = [each for each in self._plan if each.what]
        heapq.heapify(self._plan)
        while (self._plan or self._under_way or not self._due.empty()) and time.monotonic() < until:
            self._move_due()
            await asyncio.sleep(0.05)

    def _add(self, at: float, kind: str, utm: int, what: str = "") -> None:
        heapq.heappush(self._plan, _Planned(at, next(self._numbers), kind, utm, what))

    def _move_due(self) -> None:
        now = time.monotonic()
        while self._plan and self._plan[0].at <= now:
            due = heapq.heappop(self._plan)
            if due.kind == "alert" and not due.what:
                following = due.at + 1 / self.orders.alerts_per_second
                self._add(following, "alert", self._pick.randrange(len(self.orders.utms)))
                due.what = f"{self.orders.run}-{due.number}"
                self.result.alerts[due.what] = (self.orders.utms[due.utm][0], False)
            if due.kind == "heartbeat" and not due.what:
                self.result.heartbeats += 1
                self._add(due.at + self.orders.heartbeat_seconds, "heartbeat", due.utm)
            self._due.put_nowait(due)

    async def _send_all(self, number: int) -> None:
        connection = Connection(self.orders.ports, number)
        try:
            while True:
                due = await self._due.get()
                self._under_way += 1
                try:
                    await self._send(connection, due)
                finally:
                    self._under_way -= 1
        finally:
            connection.close()

    async def _send(self, connection: Connection, due: _Planned) -> None:
        try:
            answer = await connection.send(self._request(due))
        except Unanswered as problem:
            self._failed(due, str(problem))
            return
        took = (time.monotonic() - due.at) * 1000
        expected = 204 if due.kind == "report" else 200
        if answer.status != expected or (expected == 200 and not answer.json):
            self._failed(due, f"{answer.status}{'' if answer.json else ' bare'}")
            return
        self.result.latencies.append(round(took, 1))
        getattr(self, f"_after_{due.kind}")(due, answer)

    def _failed(self, due: _Planned, what: str) -> None:
        self.result.failures.append((time.time(), due.kind, what))
        if due.what:
            self._add(time.monotonic() + AGAIN_AFTER, due.kind, due.utm, due.what)

    def _after_heartbeat(self, due: _Planned, answer: Answer) -> None:
        self.result.acknowledged += not due.what
        self._seen.add(self.orders.utms[due.utm][0])
        for command in json.loads(answer.body)["commands"]:
            self.result.executed.append((command["id"], time.time()))
            self._boots[due.utm] += 1
            self._add(time.monotonic(), "report", due.utm, command["id"])
            self._add(time.monotonic() + BOOT_TAKES, "heartbeat", due.utm, "after a boot")

    def _after_report(self, _due: _Planned, _answer: Answer) -> None:
        """Nothing follows: the next heartbeat has the new boot ID."""

    def _after_alert(self, due: _Planned, answer: Answer) -> None:
        told = json.loads(answer.body)
        self._bodies.pop(due.what, None)
        if told["stored"] + told["duplicate"] == 1:
            self.result.alerts[due.what] = (self.orders.utms[due.utm][0], True)
        else:
            self.result.failures.append((time.time(), "alert", f"rejected: {told['rejected']}"))

    def _request(self, due: _Planned) -> bytes:
        path, body = getattr(self, f"_{due.kind}")(due)
        token = self.orders.utms[due.utm][1]
        data = json.dumps(body).encode()
        return (
            f"POST /api/device/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
            f"X-Forwarded-For: 198.51.100.1\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        ).encode() + data

    def _heartbeat(self, due: _Planned) -> tuple[str, dict[str, Any]]:
        boot = f"{self.orders.run}-{self._boots[due.utm]}"
        return "heartbeat", {"version": FIRMWARE, "ip": "192.0.2.1", "boot_id": boot}

    def _report(self, due: _Planned) -> tuple[str, dict[str, Any]]:
        return f"commands/{due.what}/result", {"state": "started", "at": datetime.now(UTC).isoformat()}

    def _alert(self, due: _Planned) -> tuple[str, dict[str, Any]]:
        # The same when it is sent again: the time is part of what makes it the same alert.
        if due.what not in self._bodies:
            self._bodies[due.what] = {
                "alert_id": due.what,
                "time": datetime.now(UTC).isoformat(),
                "type": "ips",
                "act": "block",
                "alert_severity": "high" if self._pick.random() < _HIGH_SHARE else "low",
                "src-ip": f"192.0.2.{due.number % 250 + 1}",
                "dst-ip": "198.51.100.7",
                "proto": "tcp",
                "msg": "Possible port scan",
            }
        return "alerts", self._bodies[due.what]


async def _main(orders: Orders) -> Result:
    fleet = Fleet(orders)
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, fleet.stop)
    return await fleet.simulate()


if __name__ == "__main__":
    _orders = Orders(**json.loads(Path(sys.argv[1]).read_text()))
    Path(sys.argv[2]).write_text(json.dumps(asdict(asyncio.run(_main(_orders)))))
