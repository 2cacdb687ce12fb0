"""What a run of the load test comes to: pure calculations, and the findings beside their limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from tests.bench.finding import Finding, times

SLOWER = 10.0
"""How many times the median the slow requests of operators may take."""

GROWTH = 1.1
"""How many times its memory of the first part of the run a process may have in the last part."""

JUDGED_FROM = 300.0
"""Seconds a run must last for its memory to be judged: before, processes have not done everything once."""

PARTS = 5
"""The first and the last of so many parts of the run are compared: of five minutes, the first and the last minute."""

KEPT_UP_MS = 10_000
"""How late the slow calls of UTMs may be: a UTM has the next one planned after a minute."""

CONNECTION = "a connection to PostgreSQL"
"""Its memory is shown and not judged: its caches of tables and plans fill as long as it meets new statements."""

_MIB = 2**20


@dataclass(frozen=True)
class Request:
    """A request of an operator.

    :ivar at: the time at which it was sent, in seconds.
    :ivar took: milliseconds.
    :ivar problem: what was wrong with its answer; empty for nothing.
    """

    at: float
    name: str
    took: float
    problem: str


@dataclass(frozen=True)
class Sample:
    """The memory of the processes at one time.

    :ivar bytes: by a name for each process.
    """

    at: float
    bytes: Mapping[str, int]


@dataclass(frozen=True)
class Calls:
    """The calls of the UTMs.

    :ivar heartbeats: how many were sent.
    :ivar acknowledged: how many of them.
    :ivar alerts: how many were sent.
    :ivar stored: for each alert of the run, how many rows it has.
    :ivar latencies: milliseconds from the planned time of each call to its answer.
    :ivar failures: what was wrong, for each call without the expected answer.
    :ivar unseen: how many of the UTMs that called have no contact recorded since the run began.
    """

    heartbeats: int
    acknowledged: int
    alerts: Sequence[str]
    stored: Mapping[str, int]
    latencies: Sequence[float]
    failures: Sequence[str]
    unseen: int


def p50_p95(figures: Sequence[float]) -> tuple[float, float]:
    """Return the middle one, and the one that a twentieth exceeds; zeros without any."""
    if len(figures) < 2:
        return (figures[0], figures[0]) if figures else (0.0, 0.0)
    twentieths = quantiles(figures, n=20, method="inclusive")
    return twentieths[9], twentieths[18]


def growth(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """Return the median memory of each process in the first and in the last part of the run, in bytes.

    Medians, because the database starts processes for moments, such as those of autovacuum.

    A process that was not there in one of them is left out.
    """
    if not samples:
        return {}
    first, last = samples[0].at, samples[-1].at
    part = (last - first) / PARTS
    found = {}
    for name in samples[0].bytes:
        early = [each.bytes[name] for each in samples if each.at <= first + part and name in each.bytes]
        late = [each.bytes[name] for each in samples if each.at >= last - part and name in each.bytes]
        if early and late:
            found[name] = (median(early), median(late))
    return found


def counted(words: Iterable[str]) -> str:
    """Return how often each word occurs, the most frequent first; ``none`` without any."""
    found = Counter(words).most_common(5)
    return ", ".join(f"{count} x {word}" for word, count in found) or "none"


def findings(calls: Calls, requests: Sequence[Request], samples: Sequence[Sample], *, seconds: float) -> list[Finding]:
    """Return the table of a run.

    :param seconds: how long it lasted.
    """
    return [*_of_utms(calls, seconds), *_of_operators(requests), *_of_memory(samples, judged=seconds >= JUDGED_FROM)]


def _of_utms(calls: Calls, seconds: float) -> list[Finding]:
    rows = Counter(calls.stored.get(alert, 0) for alert in calls.alerts)
    right, lost = rows[1], rows[0]
    p50, p95 = p50_p95(calls.latencies)
    lost_contacts = f"{calls.unseen:,} contacts not recorded" if calls.unseen else ""
    return [
        _finding(
            "heartbeats",
            f"{calls.acknowledged:,} of {calls.heartbeats:,} acknowledged, {calls.heartbeats / seconds:.0f}/s",
            "all, each contact recorded",
            calls.acknowledged == calls.heartbeats > 0 and not calls.unseen,
            lost_contacts,
        ),
        _finding(
            "alerts",
            f"{right:,} of {len(calls.alerts):,} stored once, {len(calls.alerts) / seconds:.0f}/s",
            "all, each once",
            right == len(calls.alerts),
            f"{lost} lost, {len(calls.alerts) - right - lost} several times" if right < len(calls.alerts) else "",
        ),
        _finding(
            "calls of UTMs, from the planned time",
            f"p50 {p50:.0f} ms, p95 {p95:.0f} ms",
            f"p95 at most {KEPT_UP_MS // 1000} s",
            p95 <= KEPT_UP_MS,
        ),
        _finding("errors of UTMs", counted(calls.failures), "none", not calls.failures),
    ]


def _of_operators(requests: Sequence[Request]) -> list[Finding]:
    problems = [f"{each.name}: {each.problem}" for each in requests if each.problem]
    p50, p95 = p50_p95([each.took for each in requests if not each.problem])
    by_name: dict[str, list[float]] = {}
    for each in requests:
        by_name.setdefault(each.name, []).append(each.took)
    slowest = max(by_name, key=lambda name: p50_p95(by_name[name])[1], default="")
    return [
        _finding(
            "requests of operators",
            f"{len(requests):,}; p50 {p50:.0f} ms, p95 {p95:.0f} ms",
            f"p95 at most {times(SLOWER)} of p50",
            bool(requests) and p95 <= SLOWER * p50,
            f"p95 is {times(p95 / p50)}; slowest page: {slowest}" if p50 else "",
        ),
        _finding("errors of operators", counted(problems), "none", not problems),
    ]


def _of_memory(samples: Sequence[Sample], *, judged: bool) -> list[Finding]:
    return [
        _finding(
            f"memory, {name}",
            f"{early / _MIB:.0f} MiB, then {late / _MIB:.0f} MiB",
            _memory_limit(name, judged=judged),
            late <= GROWTH * early or not judged or name == CONNECTION,
            times(late / early),
        )
        for name, (early, late) in sorted(growth(samples).items())
    ]


def _memory_limit(name: str, *, judged: bool) -> str:
    if name == CONNECTION:
        return "none: its caches fill"
    return f"at most {times(GROWTH)}" if judged else f"none below {JUDGED_FROM / 60:g} minutes"


def _finding(name: str, measured: str, limit: str, held: bool, remark: str = "") -> Finding:  # noqa: FBT001  (a finding's last fact)
    return Finding(name, {"measured": measured, "remark": remark}, limit, held)
