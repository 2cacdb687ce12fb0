"""Fixtures of the shipper's tests: a fake portal with the device API, a clock, and a parser of the printed tables."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from app.shipper import command
from app.shipper.client import DeviceClient

FOLDER = Path(__file__).parent
NOW = datetime(2026, 11, 22, 3, 4, 5, 678901, UTC)
FUNCTIONS = {"antivirus", "ips", "web_guard", "url_filter", "app_guard"}
REQUIRED = ("alert_id", "time", "type", "act")


class FakePortal:
    """Stores the alerts that it receives, by the first token of their UTM. ``script`` holds responses (status, headers, body) to send first."""

    def __init__(self) -> None:
        self.tokens = {"token-1", "token-2"}
        self.utms = {"token-1": "a1b2c3d4e5f6", "token-2": "0a0b0c0d0e0f"}
        self.tells_utm = True
        self.asked: list[str] = []
        self.stored: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.heartbeats: list[tuple[str, dict[str, Any]]] = []
        self.batches: list[int] = []
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.script: list[tuple[int, dict[str, str], bytes]] = []
        self.threat_stats: dict[tuple[str, str, str, str], int] = {}
        self.has_threat_stats = True
        self.commands: list[dict[str, Any]] = []
        self.command_results: list[tuple[str, str, dict[str, Any]]] = []
        self.most_reasons = 100
        self.before_answer: Callable[[], None] = lambda: None
        self.url = ""

    def replace_token(self, old: str, new: str) -> None:
        """Replace the token of a UTM."""
        self.tokens = self.tokens - {old} | {new}
        self.utms[new] = self.utms[old]

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        self.calls.append((path, headers))
        if self.script:
            return self.script.pop(0)
        status, answer = self._answer(path, headers, body)
        return status, {}, json.dumps(answer).encode() if answer is not None else b""

    def _answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any] | None]:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return 401, {}
        if path == "/api/device/v1/heartbeat":
            self.heartbeats.append((token, json.loads(body)))
            done = {
                command
                for owner, command, result in self.command_results
                if owner == token and result["state"] != "started"
            }
            waiting = [command for command in self.commands if str(command["id"]) not in done]
            return 200, {"commands": waiting, "next_seconds": 60}
        if command := re.fullmatch(r"/api/device/v1/commands/(.*)/result", path):
            self.command_results.append((token, command[1], json.loads(body)))
            return 204, None
        if path == "/api/device/v1/threat-stats" and self.has_threat_stats:
            return 200, self._take_counts(token, body.splitlines())
        if path == "/api/device/v1/alerts" and headers.get("content-type") == "application/x-ndjson":
            return self._take_alerts(token, headers, body)
        return 404, {}

    def _take_alerts(self, token: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any] | None]:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if body and not body.endswith(b"\n"):
            return 0, None  # an incomplete body is not answered
        lines = body.splitlines()
        if len(lines) > 10_000 or len(body) > 16 * 1024 * 1024:
            return 413, {}
        if lines:
            self.batches.append(len(lines))
        else:
            self.asked.append(token)
        answer = self._take(token, lines)
        self.before_answer()
        return 200, answer

    def _take_counts(self, token: str, lines: list[bytes]) -> dict[str, Any]:
        rejected = []
        for number, raw in enumerate(lines, 1):
            try:
                line = json.loads(raw)
                hour, function, category, count = (line[key] for key in ("hour", "function", "category", "count"))
                when = datetime.fromisoformat(hour)
            except (ValueError, LookupError):
                rejected.append({"line": number, "reason": "unreadable"})
                continue
            if function not in FUNCTIONS or when.utcoffset() is None or (when.minute, when.second) != (0, 0):
                rejected.append({"line": number, "reason": "function or hour"})
            else:
                self.threat_stats[self.utms[token], hour, function, category] = count
        return {"received": len(lines), "stored": len(lines) - len(rejected), "rejected": rejected}

    def _take(self, token: str, lines: list[bytes]) -> dict[str, Any]:
        before, rejected = len(self.stored), []
        first_token = next(each for each, utm in self.utms.items() if utm == self.utms[token])
        for number, raw in enumerate(lines, 1):
            try:
                line = json.loads(raw)
            except ValueError:
                line = {}
            missing = [key for key in REQUIRED if not line.get(key)]
            if missing or line["act"] == "refuse-me" or line["type"] not in FUNCTIONS:
                rejected.append({"line": number, "reason": f"{missing[0]}: missing" if missing else "act: refused"})
                continue
            self.stored[first_token, line["alert_id"], line["time"]] = line
        stored = len(self.stored) - before
        return ({"utm": self.utms[token]} if self.tells_utm else {}) | {
            "received": len(lines),
            "stored": stored,
            "duplicate": len(lines) - stored - len(rejected),
            "rejected": rejected[: self.most_reasons],
            "rejected_count": len(rejected),
        }


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_args: Any) -> None:
        """Ignore connections that a killed or interrupted client has closed."""


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePortal]:
    """Serve a fake device API on a free local port."""
    fake = FakePortal()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are written one after the other; otherwise the second waits for the acknowledgement of the first.
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {key.lower(): value for key, value in self.headers.items()}
            status, extra, answer = fake.answer(self.path, headers, body)
            if status == 0:  # the connection is lost
                self.close_connection = True
                return
            self.send_response(status)
            for key, value in ({"Content-Type": "application/json"} | extra).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def waits() -> list[float]:
    """The waits of the clients, in seconds."""
    return []


@pytest.fixture
def connect(portal: Any, waits: list[float]) -> Iterator[Callable[..., DeviceClient]]:
    """Return a client of the portal that notes its waits instead of sleeping."""
    made: list[DeviceClient] = []

    def connect(token: str = "token-1", url: str | None = None, **options: Any) -> DeviceClient:
        made.append(DeviceClient(url or portal.url, token, sleep=waits.append, **options))
        return made[-1]

    yield connect
    for client in made:
        client.close()


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a temporary instance folder, no settings of the environment, and no delays."""
    monkeypatch.setenv("PORTAL_INSTANCE", str(tmp_path / "instance"))
    monkeypatch.delenv("PORTAL_UTM_TOKEN", raising=False)
    monkeypatch.setattr(
        DeviceClient.__init__,
        "__kwdefaults__",
        DeviceClient.__init__.__kwdefaults__ | {"sleep": lambda _: None, "attempts": 2},
    )


class Clock(datetime):
    """The clock of the commands."""

    at = NOW

    @classmethod
    def now(cls, _zone: tzinfo | None = None) -> Any:
        return cls.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    Clock.at = NOW
    monkeypatch.setattr(command, "datetime", Clock)
    return Clock


@pytest.fixture
def table() -> Callable[[Result], dict[str, str]]:
    """Return a parser of printed tables: the last word of each line, by the text before it."""

    def read(result: Result) -> dict[str, str]:
        return {name.strip(): value for name, _, value in (line.rpartition(" ") for line in result.output.splitlines())}

    return read


class RealPortal:
    """The real portal on a local port, which can be stopped and started."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._port = 0
        self.up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        self._server = make_server("127.0.0.1", self._port, self._app, threaded=True, request_handler=_Quiet)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def down(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Quiet(WSGIRequestHandler):
    def log(self, *_args: Any, **_kwargs: Any) -> None:
        """Log nothing: the portal logs requests itself."""


@pytest.fixture
def real_portal(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealPortal]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    portal = RealPortal(app)
    yield portal
    portal.down()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add the marker ``shipper`` to the tests of this folder."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.shipper)
