"""Follows logs in a test, and executes the steps of a list in between."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from app.shipper import follow
from app.shipper.adapters.adapter import Adapter
from app.shipper.adapters.suricata import SURICATA
from app.shipper.client import DeviceClient
from app.shipper.command import utm
from app.shipper.file_pattern import FilePattern
from app.shipper.follow import Follower
from app.shipper.followed_counts import FollowedCounts
from app.shipper.followed_logs import FollowedLogs
from app.shipper.progress import Progress
from app.shipper.shipping import ShippingResult
from app.shipper.stop import StopSignal
from tests.support.processes import eventually

Step = Callable[[], object]


class Script(StopSignal):
    """Executes a step at each poll of the follower, and stops it after the last one. Each poll advances the clock by MAX_DELAY."""

    seconds = 0.0

    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self._steps = steps
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        Script.seconds += follow.MAX_DELAY
        if self._steps:
            self._steps.pop(0)()
        self.requested = not self._steps


def follow_until_sigterm(args: list[str], steps: Callable[[], object]) -> Result:
    """Run the command with ``--follow`` in this process, execute the steps in a thread, then send SIGTERM; return the result.

    It costs much less than a process.
    """
    handler = signal.getsignal(signal.SIGTERM)
    failures: list[BaseException] = []

    def execute() -> None:
        # Before the command handles the signal, it would end the tests.
        assert eventually(lambda: signal.getsignal(signal.SIGTERM) is not handler, seconds=60)
        try:
            steps()
        except BaseException as error:  # noqa: BLE001  (raised below)
            failures.append(error)
        if signal.getsignal(signal.SIGTERM) is not handler:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=execute)
    thread.start()
    result = CliRunner().invoke(utm, args)
    thread.join()
    if failures:
        raise failures[0]
    return result


def nothing() -> None:
    """A step that changes nothing."""


def add(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def run(
    portal: Any,
    log: Path | list[str],
    *steps: Step,
    messages: list[str] | None = None,
    token: str = "token-1",
    adapter: Adapter[Any] = SURICATA,
) -> tuple[ShippingResult, Script]:
    """Follow a log, or several values of ``--file``, and execute the steps in between."""
    shipped, stop = ShippingResult(), Script(list(steps))
    messages_received = messages if messages is not None else []

    def notify(sentence: str) -> None:
        if not sentence.startswith("Following "):
            messages_received.append(sentence)

    patterns = [FilePattern(str(log))] if isinstance(log, Path) else [FilePattern(text) for text in log]
    folder = Path(str(patterns[0])).parent / "shipper"
    with DeviceClient(portal.url, token, sleep=stop.wait_or_raise, attempts=None, notify=notify) as client:
        logs = FollowedLogs(adapter, patterns, folder, token, client=client, result=shipped, notify=notify)
        counts = FollowedCounts(folder, token, client, shipped, notify)
        progress = Progress(lambda _: "", quiet=True)
        Follower(logs, counts, client, shipped, stop=stop, progress=progress, notify=notify).run()
    return shipped, stop
