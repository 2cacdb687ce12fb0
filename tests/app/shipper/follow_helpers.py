"""Follows a log inside a test: what happens to the log meanwhile is a list of steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.shipper import follow
from app.shipper.client import DeviceClient
from app.shipper.file_pattern import FilePattern
from app.shipper.follow import Follower
from app.shipper.followed_logs import FollowedLogs
from app.shipper.progress import Progress
from app.shipper.shipping import Shipped
from app.shipper.stop import Stop

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
    portal: Any, log: Path | list[str], *steps: Step, said: list[str] | None = None, token: str = "token-1"
) -> tuple[Shipped, Script]:
    """Follow a log, or what several values of ``--file`` name; the steps are what happens meanwhile."""
    shipped, stop = Shipped(), Script(list(steps))
    heard = said if said is not None else []

    def say(sentence: str) -> None:
        if not sentence.startswith("Following "):
            heard.append(sentence)

    patterns = [FilePattern(str(log))] if isinstance(log, Path) else [FilePattern(text) for text in log]
    folder = Path(str(patterns[0])).parent / "shipper"
    with DeviceClient(portal.url, token, sleep=stop.wait_or_raise, attempts=None, say=say) as client:
        logs = FollowedLogs(patterns, folder, token, client=client, shipped=shipped, say=say)
        progress = Progress(lambda _: "", quiet=True)
        Follower(logs, client, shipped, stop=stop, progress=progress, say=say).run()
    return shipped, stop
