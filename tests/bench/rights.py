"""Whether a revoked permission takes effect with the next request, whichever of gunicorn's workers serves it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.datasets import Dataset
from tests.bench.finding import Finding
from tests.bench.web import Web, gunicorn

TITLE = "A revoked permission takes effect with the next request"
ABOUT = "Each of two gunicorn workers is asked alone, while the other stands still: before, right after, and after it is back."

_TAKE = """
DELETE FROM ab_permission_view_role WHERE id IN (
    SELECT given.id FROM ab_permission_view_role given
    JOIN ab_role role ON role.id = given.role_id AND role.name = 'Partner Operator'
    JOIN ab_permission_view pair ON pair.id = given.permission_view_id
    JOIN ab_permission permission ON permission.id = pair.permission_id AND permission.name = 'can_list'
    JOIN ab_view_menu menu ON menu.id = pair.view_menu_id AND menu.name = 'Alerts'
) RETURNING permission_view_id, role_id
"""
_GIVE = "INSERT INTO ab_permission_view_role (permission_view_id, role_id) VALUES (%s, %s)"


def measure(dataset: Dataset) -> list[Finding]:
    """Ask before and after."""
    path = f"/customers/{dataset.customer_id}/alerts/"
    with gunicorn(dataset, "portal") as web, dataset.owner() as owner:
        before = statuses(web, path)
        pair = owner.execute(_TAKE).fetchone()
        try:
            without = statuses(web, path)
        finally:
            owner.execute(_GIVE, pair)
        again = statuses(web, path)
    held = set(before) == set(again) == {200} and not set(without) & {200}
    figures = {"with the right": before, "without": without, "with it again": again}
    return [
        Finding(
            "the alert list, by each worker",
            {name: ", ".join(map(str, found)) for name, found in figures.items()},
            "never 200 without",
            held,
        )
    ]


def statuses(web: Web, path: str) -> list[int]:
    """What each worker answers when it is the only one that can."""
    found = []
    for worker in web.workers():
        with _paused(each for each in web.workers() if each != worker):
            connection = web.connect()
            connection.request("GET", path, headers={"Cookie": web.cookie})
            found.append(connection.getresponse().status)
            connection.close()
    return found


@contextmanager
def _paused(workers: Iterator[int]) -> Iterator[None]:
    stopped = list(workers)
    for worker in stopped:
        os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in stopped:
            os.kill(worker, signal.SIGCONT)
