"""``make chaos``: each process of the portal is killed and started again under load, and then everything is checked."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from tests.bench.finding import Finding
from tests.load import checker, evidence
from tests.load.checker import State
from tests.load.environment import Environment
from tests.load.evidence import Month
from tests.load.failures import Failure, Outage, findings
from tests.load.processes import Portal, portal
from tests.load.simulators import simulating

TITLE = "Processes that are killed under load"
ABOUT = (
    "{utms:,} UTMs and {operators} operators as above, on the data below. Two gunicorns with a port each, of one worker with four"
    " threads, one worker, cron, Redis, PostgreSQL and its replica are killed with SIGKILL one after the other, each {calm:g} s after"
    " the one before, and started again after {down:g} s; whoever simulates UTMs and operators asks the other port if one"
    " refuses, as a reverse proxy does. The invoices and the monthly reports of the newest month are issued again, and"
    " the worker is killed meanwhile. At the end the state is compared with what was sent and acknowledged"
    " (`tests/load/checker.py`)."
)

STEPS = ("worker", "cron", "Redis", "PostgreSQL", "web1")
"""What is killed, in this order. The further servers of the environment, such as the replica of the database, follow."""

DOWN = 5.0
"""Seconds until it is started again."""

_PLANNED = 40
"""The number of UTMs whose planned reboot becomes due during the run."""

_BEGUN = 240.0
"""Seconds until a job that was asked for must be at work: the next tick, and other jobs before it."""

_SETTLED = 20 * 60.0
"""Seconds until everything must be done. A job whose worker was killed is repeated after ten minutes, and a mail after
five."""


@dataclass(frozen=True)
class Options:
    """How much load there is.

    :ivar calm: seconds before each process is killed.
    """

    utms: int
    operators: int
    calm: float

    def about(self) -> str:
        """Describe the run."""
        return ABOUT.format(utms=self.utms, operators=self.operators, calm=self.calm, down=DOWN)


def measure(environment: Environment, options: Options) -> list[Finding]:
    """Kill everything once, and check."""
    run = f"chaos{time.time_ns():x}"
    with environment.owner() as owner:
        (since,) = owner.execute("SELECT now()").fetchone()
        month = evidence.take_back(owner)
    with portal(environment, webs=2, workers=1) as running:
        with simulating(
            running, run=run, utms=options.utms, operators=options.operators, spread=options.calm
        ) as simulators:
            time.sleep(max(options.calm, 5.0))
            with environment.owner() as owner:
                evidence.plan_reboots(owner, [each.id for each in environment.utms[: options.utms][-_PLANNED:]])
            outages = [_outage(running, name, options.calm, month) for name in steps(running)]
            time.sleep(options.calm)
            requests = simulators.stop_operators()
            with environment.owner() as owner:
                (until,) = owner.execute("SELECT now()").fetchone()
            waited, left = _settle(environment, since, until, month)
            devices = simulators.stop_devices()
        kills = [each.killed_at for each in outages if each.name in {"worker", "PostgreSQL"}]
        with environment.owner() as owner:
            state = evidence.read(
                environment, owner, since=since, until=until, run=run, devices=devices, month=month, kills=kills
            )
    failures = [Failure(each.at + each.took / 1000, each.name, each.problem) for each in requests if each.problem]
    failures += [Failure(*each) for each in devices.failures]
    settled = Finding(
        "done after the end of the load",
        {"measured": f"{waited:.0f} s", "remark": ", ".join(left)},
        f"within {_SETTLED / 60:g} minutes",
        held=not left,
    )
    return [*findings(outages, failures), settled, *proof(state)]


def steps(running: Portal) -> list[str]:
    """Return the names of what is killed."""
    return [*STEPS, *(name for name in running.servers if name not in STEPS)]


def proof(state: State) -> list[Finding]:
    """Return a finding for each kind of things that must not be lost or doubled.

    A run in which there was nothing of a kind has proved nothing about it.
    """
    acknowledged = sum(state.alerts.values())
    sent = sum(each.state == "sent" for each in state.mails)
    done = sum(each.executed for each in state.reboots)
    counts = {
        "alerts": (acknowledged, f"{acknowledged:,} acknowledged, {len(state.stored):,} stored"),
        "mails": (sent, f"{sent:,} sent, {checker.repeated_mails(state)} of them again after a kill"),
        "reboots": (done, f"{len(state.reboots):,} ordered, {done:,} carried out"),
        "invoices": (len(state.contracts), f"{len(state.invoiced):,} lines of {len(state.contracts):,}"),
        "monthly reports": (len(state.reports_due), f"{len(state.reports):,} of {len(state.reports_due):,}"),
    }
    return [
        Finding(
            what,
            {"measured": counts[what][1], "remark": checker.shown(faults)},
            "none lost, none twice",
            held=not faults and counts[what][0] > 0,
        )
        for what, faults in checker.check(state).items()
    ]


def _outage(running: Portal, name: str, calm: float, month: Month) -> Outage:
    """Kill something, and start it again."""
    time.sleep(calm)
    if name == "worker":
        _wait_for_month(running.environment, month)
    killed_at = time.time()
    running.kill(name)
    time.sleep(DOWN)
    running.start(name)
    return Outage(name, killed_at, time.time())


def _wait_for_month(environment: Environment, month: Month) -> None:
    """Have a month issued, and return while a worker is at it.

    :raises TimeoutError: no worker does it.
    """
    deadline = time.monotonic() + _BEGUN
    with environment.owner() as owner:
        evidence.ask_for_month(owner)
        while not evidence.month_begun(owner, month):
            if time.monotonic() > deadline:
                raise TimeoutError("The monthly reports were not issued; see the logs of worker and cron.")
            time.sleep(0.01)


def _settle(environment: Environment, since: datetime, until: datetime, month: Month) -> tuple[float, list[str]]:
    """Wait until nothing is under way.

    :returns: the seconds that it took, and what is still under way.
    """
    began = time.monotonic()
    while True:
        with environment.owner() as owner:
            left = evidence.unfinished(owner, since, until, month)
        waited = time.monotonic() - began
        if not left or waited > _SETTLED:
            return waited, left
        time.sleep(2)
