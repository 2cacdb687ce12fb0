"""The processes that use the portal during a run: one simulates the UTMs, one the operators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.local.supervisor import stop
from config import ROOT
from tests.load.devices import Result
from tests.load.figures import Request
from tests.load.processes import LoggedChild, Portal, python

ALERTS_PER_UTM = 25 / 20_000
"""Alerts a second of each UTM: 25 of 20,000 UTMs together."""

_PATIENCE = 120.0


@dataclass
class Simulators:
    """The two running processes."""

    folder: Path
    devices: LoggedChild
    operators: LoggedChild

    def stop_operators(self) -> list[Request]:
        """Stop the operators, and return their requests."""
        return [Request(*each) for each in self._result(self.operators)]

    def stop_devices(self) -> Result:
        """Let the UTMs finish what is under way, and return what happened."""
        return Result(**self._result(self.devices))

    def _result(self, child: LoggedChild) -> Any:
        """Return what a process writes at its end.

        :raises RuntimeError: it has failed.
        """
        child.process.terminate()
        if code := child.process.wait(_PATIENCE):
            raise RuntimeError(f"The process of the {child.name} ended with exit code {code}; see {child.log}.")
        return json.loads((self.folder / f"{child.name}.result").read_text())


@contextmanager
def simulating(
    portal: Portal, *, run: str, utms: int, operators: int, spread: float, heartbeat_seconds: float = 60.0
) -> Iterator[Simulators]:
    """Start the processes.

    :param run: a word that the IDs of the alerts begin with.
    :param utms: how many of the environment's UTMs call.
    :param operators: how many of its operators sign in.
    :param spread: the seconds in which the operators come one by one.
    """
    environment = portal.environment
    ports = list(portal.ports)
    orders = {
        "devices": {
            "ports": ports,
            "utms": [(each.id, each.token) for each in environment.utms[:utms]],
            "heartbeat_seconds": heartbeat_seconds,
            "alerts_per_second": utms * ALERTS_PER_UTM,
            "run": run,
        },
        "operators": {"ports": ports, "emails": list(environment.operators[:operators]), "spread": spread},
    }
    children = {}
    for name, order in orders.items():
        file, result = environment.folder / f"{name}.json", environment.folder / f"{name}.result"
        file.write_text(json.dumps(order))
        command = python(f"tests.load.{name}", str(file), str(result))
        children[name] = LoggedChild(name, command, log=environment.folder / f"{name}.log")
        children[name].start(ROOT, environment.env)
    try:
        yield Simulators(environment.folder, children["devices"], children["operators"])
    finally:
        stop(list(children.values()))
