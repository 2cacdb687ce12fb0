"""Random sequences of rotations, killed runs, replaced tokens and outages of the portal: no alert is lost or stored twice."""

from __future__ import annotations

import contextlib
import gzip
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.shipper import follow
from app.shipper.client import DeviceError
from tests.app.shipper.eve_records import alert, text_of
from tests.app.shipper.follow_helpers import Script, add, nothing, run


class KilledError(BaseException):
    """Ends a run like a kill: nothing more is sent or saved."""


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)


class Chaos:
    """A log and a portal, and the events that can happen to them, by name."""

    def __init__(self, portal: Any, log: Path) -> None:
        self.portal = portal
        self.log = log
        self.written = 0
        self.token = "token-1"
        portal.tokens, portal.utms = {self.token}, {self.token: "a1b2c3d4e5f6"}
        log.touch()

    def step(self, name: str) -> Callable[[], object]:
        """Return an event, delayed so that it has a later modification time than the previous one."""

        def happen() -> None:
            time.sleep(0.006)
            getattr(self, name)()

        return happen

    def write(self) -> None:
        add(self.log, text_of(*map(alert, range(self.written, self.written + 3))))
        self.written += 3

    def rename(self) -> None:
        self._make_room()
        self.log.rename(self.log.with_name("eve.json.1"))
        self.log.touch()

    def copy(self) -> None:
        self._make_room()
        self.log.with_name("eve.json.1").write_bytes(self.log.read_bytes())
        os.truncate(self.log, 0)

    def pack(self) -> None:
        """Compress the rotated files and keep their modification times, as gzip does."""
        for path in self.log.parent.glob("eve.json.*"):
            if path.suffix != ".gz":
                compressed, stat = path.with_name(f"{path.name}.gz"), path.stat()
                compressed.write_bytes(gzip.compress(path.read_bytes()))
                os.utime(compressed, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
                path.unlink()

    def away(self) -> None:
        self.portal.script = [(503, {}, b"")] * 1000

    def back(self) -> None:
        self.portal.script = []

    def replace(self) -> None:
        new = f"token-{len(self.portal.utms) + 1}"
        self.portal.replace_token(self.token, new)
        self.token = new

    def wait(self) -> None:
        """Change nothing."""

    def kill(self) -> None:
        raise KilledError

    def _make_room(self) -> None:
        for number in range(len(list(self.log.parent.glob("eve.json.*"))), 0, -1):
            for path in self.log.parent.glob(f"eve.json.{number}*"):
                path.rename(path.with_name(path.name.replace(f".{number}", f".{number + 1}")))


STEPS = ("write", "rename", "copy", "pack", "away", "back", "replace", "wait", "kill")


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=15))
@example(steps=["away", "write", "wait", "kill", "rename", "write"])
@example(steps=["away", "write", "wait", "kill", "copy", "write"])
@example(steps=["wait", "kill", "write", "rename", "write"])
@example(steps=["away", "write", "wait", "kill", "rename", "pack", "write"])
@example(steps=["write", "wait", "replace", "write", "rename", "write", "wait"])
@example(steps=["wait", "replace", "kill", "write", "copy", "pack", "write"])
@example(steps=["write", "wait", "replace", "kill", "away", "write", "wait", "rename", "wait", "write"])
@example(steps=["away", "write", "wait", "replace", "kill", "rename", "write"])
@example(steps=["write", "wait", "copy", "wait", "away", "write", "wait", "copy", "write", "copy", "write", "wait"])
def test_whatever_happens_each_alert_is_stored_once(
    portal: Any, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    chaos = Chaos(portal, tmp_path_factory.mktemp("log") / "eve.json")
    portal.stored.clear()
    portal.threat_stats.clear()
    chaos.back()
    left = [chaos.step(name) for name in steps]

    def take() -> None:
        left.pop(0)()

    while left:
        with contextlib.suppress(KilledError, DeviceError):  # of a token that was replaced
            run(portal, chaos.log, *[take] * len(left), nothing, token=chaos.token)
        for _ in left[:2]:
            with contextlib.suppress(KilledError):
                take()
    chaos.back()
    run(portal, chaos.log, nothing, nothing, nothing, token=chaos.token)

    stored = sorted(line["suricata_flow_id"] for line in portal.stored.values())
    assert stored == sorted(map(str, range(chaos.written)))
    assert sum(portal.threat_stats.values()) == chaos.written, "each alert is counted once"
