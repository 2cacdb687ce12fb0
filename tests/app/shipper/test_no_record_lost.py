"""Random logs with damaged parts, growth, rotation and restarts: each readable record is sent exactly once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.shipper import follow
from app.shipper.adapters.suricata import SURICATA
from app.shipper.client import DeviceClient
from app.shipper.shipping import LogFiles, ShippingResult, ship
from tests.app.shipper.eve_records import alert
from tests.app.shipper.follow_helpers import Script, add, nothing, run

HEADERS = (
    b"<134>Nov 28 12:00:00 fw-1 suricata[4711]: ",
    b'<134>1 2026-11-28T12:00:00Z fw-1 suricata 4711 - [timeQuality tzKnown="1" isSynced="1"] @cee: ',
    b"\xff\xfe @cee:",
    b'<134>1 2026-11-28T12:00:00Z fw-1 suricata 4711 - [meta json="{"k":"v","n":{"m":1}}"] ',
)
PIECES = ("record", "cut off", "without its start", "NUL", "header", "line end", "garbage", "another event")
ATTACKS = (
    b"",
    b"\xff\x95\xe6",
    b"\x00\x01\x1b[31m",
    b'{\\"timestamp\\":\\"x\\",\\"event_type\\":\\"alert\\"}',
    b"\\ud800\\u0000",
    "表".encode(),
)


class Writer:
    """Writes the content of one log in parts.

    :ivar numbers: the numbers of the alerts that it has written.
    """

    def __init__(self, path: Path, pieces: list[tuple[str, int, bytes]], numbers: list[int]) -> None:
        self.path = path
        self.numbers = numbers
        self._content = bytearray()
        for piece in pieces:
            self._write(*piece)
        self._content += b"\n"
        self._rotations = 0

    def _write(self, kind: str, amount: int, attack: bytes) -> None:
        content = self._content
        if kind == "record":
            self.numbers.append(len(self.numbers))
            content += self._record(self.numbers[-1], attack, sort_keys=amount % 2 == 1)
        elif kind == "cut off":
            data = self._record(10**6 + amount, attack, sort_keys=amount % 3 == 1)
            content += data[: 1 + amount % (len(data) - 1)]
        elif kind == "without its start":
            data = self._record(10**6 + amount, attack, sort_keys=amount % 3 == 1)
            content += b"\n" * (not content.endswith(b"\n")) + data[1 + amount % (len(data) - 1) :]
        elif kind == "NUL":
            content += bytes(amount)
        elif kind == "header":
            content += HEADERS[amount % len(HEADERS)]
        elif kind == "garbage":
            content += b"garbage\n"
        elif kind == "another event":
            content += b'{"timestamp":"2026-11-28T00:00:00Z","event_type":"dns","dns":{"timestamp":{"a":1}}}'
        else:
            content += b"\n"

    @staticmethod
    def _record(number: int, attack: bytes, *, sort_keys: bool) -> bytes:
        record = alert(number, http={"hostname": "a.example", "url": "/<>"}, files=[{"a": 1}, {"event": "b"}])
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
        return text.encode().replace(b"<>", attack)

    def grow(self, size: int | None = None) -> None:
        """Write the next bytes of the content."""
        size = len(self._content) if size is None else size
        add(self.path, bytes(self._content[:size]))
        del self._content[:size]

    def rotate(self, name: str) -> None:
        """Rename the log, unless its last line is incomplete."""
        if self.path.exists() and self.path.read_bytes().endswith(b"\n"):
            self._rotations += 1
            self.path.rename(self.path.with_name(name.format(log=self.path.name, number=100 - self._rotations)))


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)


some_pieces = st.lists(
    st.tuples(st.sampled_from(PIECES), st.integers(0, 70_000) | st.integers(0, 600), st.sampled_from(ATTACKS)),
    max_size=12,
)
some_steps = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(0, 1), st.integers(0, 3_000)),
        st.tuples(st.just("rotate"), st.integers(0, 1), st.sampled_from(["{log}.{number}", "{log}-202611{number}"])),
        st.just(("restart", 0, 0)),
        st.just(("wait", 0, 0)),
    ),
    max_size=10,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(pieces=st.tuples(some_pieces, some_pieces), steps=some_steps)
def test_each_readable_record_is_sent_and_once(
    portal: Any,
    tmp_path_factory: pytest.TempPathFactory,
    pieces: tuple[list[Any], list[Any]],
    steps: list[tuple[str, int, Any]],
) -> None:
    folder = tmp_path_factory.mktemp("log")
    numbers: list[int] = []
    writers = [Writer(folder / f"eve.{thread}.json", part, numbers) for thread, part in enumerate(pieces, 1)]
    pattern = [str(folder / "eve.?.json*")]
    portal.stored.clear()
    portal.threat_stats.clear()
    runs = [ShippingResult()]

    def happen(name: str, thread: int, how: Any) -> Callable[[], None]:
        def step() -> None:
            time.sleep(0.006)  # so that modification times differ
            if name in {"grow", "rotate"}:
                getattr(writers[thread], name)(how)

        return step

    batch: list[Callable[[], None]] = []
    for step in [*steps, ("restart", 0, 0)]:
        if step[0] != "restart":
            batch.append(happen(*step))
            continue
        runs.append(run(portal, pattern, *batch, nothing)[0])
        batch = []
    runs.append(run(portal, pattern, *[writer.grow for writer in writers], nothing, nothing)[0])

    found = [int(line["suricata_flow_id"]) for line in portal.stored.values()]
    assert sorted(found) == numbers
    assert sum(portal.threat_stats.values()) == len(numbers)
    assert sum(each.sent.duplicate + each.sent.rejected for each in runs) == 0
    again = ShippingResult()
    with DeviceClient(portal.url, "token-1") as client:
        ship(LogFiles(SURICATA, sorted(folder.glob("eve.*"))), client, again)
    assert (again.sent.stored, again.sent.duplicate) == (0, len(numbers))
