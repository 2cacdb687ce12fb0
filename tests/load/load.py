"""``make load``: UTMs and operators use the portal together for some minutes, and nothing fails, is lost or grows."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.bench.finding import Finding
from tests.load import figures
from tests.load.environment import Environment
from tests.load.figures import Calls, Sample
from tests.load.processes import Portal, is_postgres, largest_private_memory, portal, resident_memory
from tests.load.simulators import simulating

TITLE = "UTMs and operators at the same time"
ABOUT = (
    "{utms:,} UTMs with a token each send a heartbeat a minute and together {alerts:g} alerts a second;"
    " {operators} operators look at pages, search, download and change data, with pauses of 2 to 8 seconds, for"
    " {minutes:g} minutes after a warm-up of {warm_up:g} s. gunicorn with two workers of four threads, one worker and"
    " cron on the same machine as what simulates UTMs and operators. An operator's request takes until the page is there with"
    " all redirects. Memory is that of the first and the last fifth of the time; that of a connection to PostgreSQL is"
    " what its largest process has beside the shared buffers."
)
WARM_UP = 180.0
"""Seconds before what is measured, in which the operators come and caches fill, those of each connection of the database
too; as long as what is measured, if that is less."""

_EVERY = 2.0
"""Seconds between two looks at the memory."""


@dataclass(frozen=True)
class Options:
    """How much load there is, and for how long."""

    minutes: float
    utms: int
    operators: int

    @property
    def seconds(self) -> float:
        """The seconds that are measured."""
        return self.minutes * 60

    @property
    def warm_up(self) -> float:
        """The seconds before."""
        return min(WARM_UP, self.seconds)

    def about(self) -> str:
        """Describe the load."""
        return ABOUT.format(
            utms=self.utms,
            alerts=self.utms * 25 / 20_000,
            operators=self.operators,
            minutes=self.minutes,
            warm_up=self.warm_up,
        )


def measure(environment: Environment, options: Options) -> list[Finding]:
    """Run the load once."""
    run = f"load{time.time_ns():x}"
    with environment.owner() as owner:
        (began,) = owner.execute("SELECT now()").fetchone()
    with portal(environment, webs=1, workers=2) as running:
        with simulating(
            running, run=run, utms=options.utms, operators=options.operators, spread=options.warm_up
        ) as simulators:
            started = time.time()
            _sample(running, options.warm_up)
            measured_from = time.time()
            samples = _sample(running, options.seconds)
            seconds = time.time() - started
            requests = [each for each in simulators.stop_operators() if each.at >= measured_from or each.problem]
            calls = simulators.stop_devices()
        with environment.owner() as owner:
            stored = dict(
                owner.execute(
                    "SELECT alert_id, count(*) FROM alert WHERE occurred_at >= %s AND alert_id LIKE %s GROUP BY 1",
                    [began, f"{run}-%"],
                ).fetchall()
            )
            (unseen,) = owner.execute(
                "SELECT count(*) FROM utm WHERE id = ANY(%s) AND (last_seen_at < %s) IS NOT FALSE", [calls.seen, began]
            ).fetchone()
    told = Calls(
        heartbeats=calls.heartbeats,
        acknowledged=calls.acknowledged,
        alerts=list(calls.alerts),
        stored=stored,
        latencies=calls.latencies,
        failures=[f"{kind}: {what}" for _, kind, what in calls.failures],
        unseen=unseen,
    )
    return figures.findings(told, requests, samples, seconds=seconds)


def most(environment: Environment, options: Options) -> tuple[int, list[Finding]]:
    """Halve the number of UTMs until all limits are held.

    :returns: the number of UTMs of the last run, and its findings.
    """
    utms = options.utms
    while True:
        found = measure(environment, Options(options.minutes, utms, options.operators))
        if all(each.held for each in found) or utms == 1:
            return utms, found
        utms = max(1, utms // 2)


def _sample(running: Portal, seconds: float) -> list[Sample]:
    """Look at the memory of the portal's processes for some time."""
    until = time.monotonic() + seconds
    samples = []
    while (left := until - time.monotonic()) > 0:
        samples.append(Sample(time.time(), _memory(running)))
        time.sleep(min(_EVERY, left))
    return samples


def _memory(running: Portal) -> dict[str, int]:
    found = {}
    for name, pids in running.pids().items():
        if is_postgres(name):
            found[figures.CONNECTION] = largest_private_memory(pids)
        elif name in {"web1", "worker", "cron"}:
            # The workers of gunicorn one by one, without its own process.
            looked_at = pids[1:] or pids
            for number, pid in enumerate(looked_at, start=1):
                if (size := resident_memory(pid)) is not None:
                    found[f"{name} {number}" if len(pids) > 1 else name] = size
    return found
