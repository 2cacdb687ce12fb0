"""Follows a log inside a test: what happens to the log meanwhile is a list of steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.shipper import follow
from app.shipper.client import DeviceClient
from app.shipper.follow import Follower
from app.shipper.handover import place_to_begin
from app.shipper.log import Shipped
from app.shipper.position import PositionStore
from app.shipper.progress import Progress
from app.shipper.stop import Stop, StoppedError
from app.shipper.tail import Tail

Step = Callable[[], object]


class Script(Stop):
    """Plays a step whenever the follower waits, and ends it after the last. Each wait is as long as an alert may wait."""

    seconds = 0.0

    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self._steps = steps
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        Script.seconds += follow.LONGEST_DELAY
        if self._steps:
            self._steps.pop(0)()
        self.wanted = not self._steps


def nothing() -> None:
    """A step in which only time passes."""


def add(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def run(
    portal: Any, log: Path, *steps: Step, said: list[str] | None = None, token: str = "token-1"
) -> tuple[Shipped, Script]:
    """Follow a log; the steps are what happens to it meanwhile."""
    shipped, stop = Shipped(), Script(list(steps))
    say = (said if said is not None else []).append
    with (
        PositionStore(log.parent / "shipper", log, token) as positions,
        DeviceClient(portal.url, token, sleep=stop.wait_or_raise, attempts=None, say=say) as client,
    ):
        try:
            place = place_to_begin(positions, client, say)
        except StoppedError:
            return shipped, stop
        tail = Tail(log, place, say)
        Follower(tail, client, positions, shipped, stop=stop, progress=Progress(lambda _: "", quiet=True)).run()
    return shipped, stop
