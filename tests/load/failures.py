"""Which errors there were while something was down, and that there were none otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.finding import Finding
from tests.load.figures import counted

GRACE = 10.0
"""Seconds after the restart in which errors are accepted: clients and pools notice that it is back."""

UNAVAILABLE = "503"
"""The portal's own page, or its JSON, with this status; ``503 bare`` is one of another program."""


@dataclass(frozen=True)
class Outage:
    """Something that was killed.

    :ivar back_at: when it could be used again.
    """

    name: str
    killed_at: float
    back_at: float

    def covers(self, at: float) -> bool:
        """Return whether an error at a time can be due to it."""
        return self.killed_at <= at <= self.back_at + GRACE

    def accepts(self, problem: str) -> bool:
        """Return whether an error may occur: clear pages without a server, lost connections to a killed web process.

        Without the worker or cron, nobody at a browser and no UTM must notice anything.
        """
        if self.name in {"worker", "cron"}:
            return False
        if self.name.startswith("web"):
            return not problem[:1].isdigit() and problem != "signed out"
        return problem == UNAVAILABLE


@dataclass(frozen=True)
class Failure:
    """A request without the expected answer.

    :ivar at: the time of the answer.
    """

    at: float
    request: str
    problem: str


def findings(outages: Sequence[Outage], failures: Sequence[Failure]) -> list[Finding]:
    """Return a finding for each outage, and one for the errors outside of them."""
    found = []
    for outage in outages:
        inside = [each for each in failures if outage.covers(each.at)]
        wrong = [each for each in inside if not outage.accepts(each.problem)]
        last = max((each.at for each in inside), default=outage.back_at)
        found.append(
            Finding(
                f"{outage.name} killed, back after {outage.back_at - outage.killed_at:.0f} s",
                {
                    "measured": f"{counted(each.problem for each in inside)}",
                    "remark": _told(wrong) or f"last error {max(0.0, last - outage.back_at):.0f} s after it was back",
                },
                _limit(outage),
                held=not wrong,
            )
        )
    outside = [each for each in failures if not any(outage.covers(each.at) for outage in outages)]
    return [
        *found,
        Finding(
            "errors at other times",
            {"measured": counted(each.problem for each in outside), "remark": _told(outside)},
            "none",
            not outside,
        ),
    ]


def _limit(outage: Outage) -> str:
    if outage.name in {"worker", "cron"}:
        return "no error"
    if outage.name.startswith("web"):
        return f"only lost connections, until {GRACE:g} s after"
    return f"only the portal's {UNAVAILABLE} pages, until {GRACE:g} s after"


def _told(failures: Sequence[Failure]) -> str:
    """Return what went wrong where; empty for nothing."""
    return counted(f"{each.request}: {each.problem}" for each in failures) if failures else ""
