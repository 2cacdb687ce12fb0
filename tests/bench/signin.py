"""Whether the time of a response tells that an email address is a user's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from app.demo.bench import EMAIL
from config import ROOT
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle

TITLE = "Known and unknown email addresses"
ABOUT = (
    "Medians of whole responses to an email address that is a user's and to one that is not, asked in turn by one process:"
    " a sign-in with a wrong password, and a request for a new password. Rate limits and the lock of accounts are off."
)
RUNS = 200
LEAST, MOST = 0.9, 1.1
UNKNOWN = EMAIL.replace("@", "-none@")
PATHS = {"sign-in, wrong password": "/login/", "forgotten password": "/forgotten-password/"}


def measure(dataset: Dataset, *, runs: int = RUNS) -> list[Finding]:
    """Ask for both addresses in turn."""
    try:
        with _runner(dataset) as ask:
            return [_compare(name, partial(ask, path), runs) for name, path in PATHS.items()]
    finally:
        with dataset.owner() as owner:
            owner.execute("DELETE FROM password_request WHERE email = ANY(%s)", [[EMAIL, UNKNOWN]])
            owner.execute("UPDATE ab_user SET fail_login_count = 0 WHERE email = %s", [EMAIL])


def _compare(name: str, ask: Callable[[str], float], runs: int) -> Finding:
    known, unknown = map(middle, alternate(runs, partial(ask, EMAIL), partial(ask, UNKNOWN), warm=3))
    ratio = known / unknown
    figures = {"known": f"{known:.1f} ms", "unknown": f"{unknown:.1f} ms", "ratio": times(ratio)}
    return Finding(name, figures, f"{times(LEAST)} to {times(MOST)}", LEAST <= ratio <= MOST)


@contextmanager
def _runner(dataset: Dataset) -> Iterator[Callable[[str, str], float]]:
    """Start ``tests.bench.signin_run``."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.signin_run"],
        cwd=ROOT,
        env=dict(dataset.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(path: str, email: str) -> float:
        process.stdin.write(json.dumps({"path": path, "email": email}) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError("A request failed; what it wrote is above.")
        return float(answer)

    try:
        yield ask
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
