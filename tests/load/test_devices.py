"""The simulated UTMs against a portal that answers as it is told."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from tests.load import devices
from tests.load.connection import Connection, Unanswered
from tests.load.devices import Fleet, Orders, Result
from tests.support.mail_sink import free_port

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds in which a test must come to its end, also on a busy machine."""


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr(devices, "AGAIN_AFTER", 0.05)
    monkeypatch.setattr(devices, "BOOT_TAKES", 0.05)


@dataclass
class Portal:
    """A web server.

    :ivar answers: for a path the status and the body; the default is success.
    :ivar requests: the path, the token and the body of each request.
    """

    answers: Callable[[str], tuple[int, str] | None] = lambda _path: None
    requests: list[tuple[str, str, dict]] = field(default_factory=list)
    connections: int = 0
    closes: bool = False

    def paths(self, name: str) -> list[tuple[str, str, dict]]:
        """The requests whose path ends with a name."""
        return [each for each in self.requests if each[0].endswith(name)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        while head := await self._head(reader):
            body = await reader.readexactly(int(re.search(r"Content-Length: (\d+)", head)[1]))
            path, token = head.split()[1], re.search(r"Bearer (\w+)", head)[1]
            self.requests.append((path, token, json.loads(body)))
            status, text = self.answers(path) or self._success(path)
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
            )
            await writer.drain()
            if self.closes:
                break
        writer.close()

    @staticmethod
    async def _head(reader: asyncio.StreamReader) -> str:
        try:
            return (await reader.readuntil(b"\r\n\r\n")).decode()
        except EOFError:
            return ""

    @staticmethod
    def _success(path: str) -> tuple[int, str]:
        if path.endswith("heartbeat"):
            return 200, json.dumps({"commands": []})
        if path.endswith("alerts"):
            return 200, json.dumps({"stored": 1, "duplicate": 0, "rejected": []})
        return 204, ""


def complete(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread: after browser tests in the same process, this one has Playwright's event loop."""

    async def limited() -> T:
        return await asyncio.wait_for(work, PATIENCE)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, limited()).result()


def play(portal: Portal, done: Callable[[Result], bool], *, alerts: float = 0.0, every: float = 60.0) -> Result:
    """Let two UTMs play until something has happened."""

    async def run() -> Result:
        async with await asyncio.start_server(portal.serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            fleet = Fleet(Orders([port], [(1, "one"), (2, "two")], every, alerts, "r"))
            playing = asyncio.create_task(fleet.simulate())
            while not done(fleet.result):  # noqa: ASYNC110  (the UTMs have no event for it)
                await asyncio.sleep(0.01)
            fleet.stop()
            return await playing

    return complete(run())


def send(portal: Portal, ports: Callable[[int], list[int]], steps: Callable[[Connection], Awaitable[None]]) -> None:
    """Do something with a connection to a portal.

    :param ports: the ports of the connection, from that of the portal.
    """

    async def run() -> None:
        async with await asyncio.start_server(portal.serve, "127.0.0.1", 0) as server:
            connection = Connection(ports(server.sockets[0].getsockname()[1]))
            await steps(connection)
            connection.close()

    complete(run())


REQUEST = b"POST /heartbeat HTTP/1.1\r\nAuthorization: Bearer x\r\nContent-Length: 2\r\n\r\n{}"


def test_each_utm_sends_heartbeats_with_its_own_token():
    portal = Portal()

    result = play(portal, lambda found: found.acknowledged >= 4, every=0.2)

    assert {token for _, token, _ in portal.paths("heartbeat")} == {"one", "two"}
    assert result.heartbeats == result.acknowledged == len(portal.requests)
    assert (result.seen, result.failures) == ([1, 2], [])


def test_an_alert_that_is_not_acknowledged_is_sent_again_unchanged():
    refused = iter([(503, "{}")])
    portal = Portal(answers=lambda path: next(refused, None) if path.endswith("alerts") else None)

    result = play(portal, lambda found: any(done for _, done in found.alerts.values()), alerts=0.01)

    (first, _, body), (again, _, same) = portal.paths("alerts")
    assert (first, body) == (again, same)
    assert body["alert_id"] in result.alerts
    assert [(kind, what) for _, kind, what in result.failures] == [("alert", "503")]


def test_a_command_is_carried_out_reported_and_followed_by_another_boot():
    commands = iter([(200, json.dumps({"commands": [{"id": "7", "type": "reboot"}]}))])
    portal = Portal(answers=lambda path: next(commands, None) if path.endswith("heartbeat") else None)

    result = play(portal, lambda _: len(portal.paths("heartbeat")) >= 2)

    rebooted = portal.paths("heartbeat")[0][1]
    boots = [body["boot_id"] for _, token, body in portal.paths("heartbeat") if token == rebooted]
    assert [command for command, _ in result.executed] == ["7"]
    assert boots == ["r-0", "r-1"]
    assert [body["state"] for *_, body in portal.paths("/commands/7/result")] == ["started"]


def test_a_command_that_is_given_twice_is_carried_out_twice():
    twice = iter([(200, json.dumps({"commands": [{"id": "7", "type": "reboot"}]}))] * 2)
    portal = Portal(answers=lambda path: next(twice, None) if path.endswith("heartbeat") else None)

    result = play(portal, lambda found: len(found.executed) == 2)

    assert [command for command, _ in result.executed] == ["7", "7"]


def test_connections_are_kept_open():
    portal = Portal()

    async def steps(connection):
        assert [(await connection.send(REQUEST)).status for _ in range(3)] == [200, 200, 200]

    send(portal, lambda port: [port], steps)

    assert portal.connections == 1


def test_a_request_over_a_connection_that_the_server_has_closed_is_sent_again():
    portal = Portal(closes=True)

    async def steps(connection):
        assert [(await connection.send(REQUEST)).status for _ in range(3)] == [200, 200, 200]

    send(portal, lambda port: [port], steps)

    assert portal.connections == 3


def test_the_other_port_is_asked_if_one_refuses():
    async def steps(connection):
        assert (await connection.send(REQUEST)).status == 200

    send(Portal(), lambda port: [free_port(), port], steps)


def test_without_any_server_there_is_no_answer():
    async def steps(connection):
        with pytest.raises(Unanswered, match="ConnectionRefusedError"):
            await connection.send(REQUEST)

    send(Portal(), lambda _: [free_port(), free_port()], steps)
