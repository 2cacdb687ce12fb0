"""Asking in turn, and what the answers come to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from statistics import median
from typing import Any, ParamSpec, TypeVar

from config import ROOT


@dataclass
class Probe:
    """A running ``tests.bench.probe``.

    :ivar cookie: the session of its user, as the header says it.
    """

    process: subprocess.Popen
    cookie: str

    def ask(self, path: str, *, text: bool = False) -> dict[str, Any]:
        """One request."""
        self.process.stdin.write(json.dumps({"path": path, "text": text}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer["status"] != 200:
            raise RuntimeError(f"{path} answered {answer['status']}.")
        return answer


P = ParamSpec("P")
T = TypeVar("T")

_kept: ExitStack | None = None
_running: dict[str, Any] = {}


@contextmanager
def processes_kept() -> Iterator[None]:
    """Let what is started several times in the same way be started once, and stopped at the end."""
    global _kept  # noqa: PLW0603  (one process measures one thing at a time)
    with ExitStack() as _kept:
        try:
            yield
        finally:
            _running.clear()
    _kept = None


def keepable(start: Callable[P, AbstractContextManager[T]]) -> Callable[P, AbstractContextManager[T]]:
    """Return a context manager that ``processes_kept`` can keep."""

    @contextmanager
    @wraps(start)
    def kept(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        if _kept is None:
            with start(*args, **kwargs) as process:
                yield process
            return
        key = repr((start.__qualname__, args, kwargs))
        if key not in _running:
            _running[key] = _kept.enter_context(start(*args, **kwargs))
        yield _running[key]

    return kept


@keepable
@contextmanager
def probe(kind: str, env: Mapping[str, str]) -> Iterator[Probe]:
    """Start a probe, on the same core as every other: one core of a machine others use can be slower for minutes.

    :param kind: ``portal`` or ``stock``.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.probe", kind],
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        ready = process.stdout.readline()
        if not ready:
            raise RuntimeError(f"The probe of {kind} did not start; what it wrote is above.")
        yield Probe(process, json.loads(ready)["cookie"])
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def alternate(runs: int, *ways: Callable[[], float], warm: int = 1) -> list[list[float]]:
    """Run each way once, then each once more, and so on.

    :param runs: with one, nothing is measured, only shown to work, and there are no rounds before it.
    :param warm: rounds before, which are not counted.
    :returns: for each way what it answered, one figure a run.
    """
    for _ in range(warm if runs > 1 else 0):
        for way in ways:
            way()
    rounds = [[way() for way in ways] for _ in range(runs)]
    return [list(figures) for figures in zip(*rounds, strict=True)]


def middle(figures: list[float]) -> float:
    """The median."""
    return median(figures)
