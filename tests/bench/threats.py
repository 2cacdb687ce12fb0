"""脅威別 of a customer with half a million alerts, against the same groups written by hand."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from functools import partial

import psycopg

from models import clock
from models.alerts.threats import PAGE_SIZE
from tests.bench import growth
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import Probe, alternate, middle, probe

TITLE = "脅威別 of a customer with half a million alerts"
ABOUT = (
    "All statements of the page of 31 days, those for the user, the rights and the customer among them, against one GROUP BY"
    " for the same columns written by hand and read by the owner, past row-level security. In turn; medians, of the ratio too."
)
RUNS = 30
SLOWER = 1.5
_COUNT = re.compile(r'id="threat-([0-9a-f]{16})"')
_BY_HAND = """
SELECT
    function,
    coalesce(
        nullif(replace(btrim(threat, chr(10)), chr(10), ' / '), ''),
        substring(url_text FROM '^(?:[a-z]+://)?([^/?#]+)'),
        file_text,
        '-'
    ) AS detection,
    count(*), count(*) FILTER (WHERE level = 'high'), min(occurred_at), max(occurred_at),
    count(DISTINCT src_ip), count(DISTINCT utm_id)
FROM alert
WHERE customer_id = %s AND occurred_at >= %s AND occurred_at < %s
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT %s
"""


def measure(dataset: Dataset, *, runs: int = RUNS) -> list[Finding]:
    """Ask for the page and for the groups in turn."""
    path = growth.address(dataset, growth.PAGES["脅威別"])
    with probe("portal", dataset.env) as portal, dataset.owner() as owner:
        shown = len(_COUNT.findall(portal.ask(path, text=True)["text"]))
        check_rows(shown, len(_by_hand(owner, dataset)))
        ours, theirs = alternate(runs, partial(_sql_time, portal, path), partial(_hand_time, owner, dataset))
    ratio = middle([mine / other for mine, other in zip(ours, theirs, strict=True)])
    figures = {"portal": f"{middle(ours):.1f} ms", "by hand": f"{middle(theirs):.1f} ms", "ratio": times(ratio)}
    return [Finding("the first page of 31 days", figures, f"at most {SLOWER:g}x", ratio <= SLOWER)]


def check_rows(ours: int, theirs: int) -> None:
    """Refuse to compare pages of different lengths."""
    if ours != theirs:
        raise RuntimeError(f"The portal shows {ours} detections and the statement by hand {theirs}.")


def _sql_time(portal: Probe, path: str) -> float:
    return portal.ask(path)["sql_ms"]


def _hand_time(owner: psycopg.Connection, dataset: Dataset) -> float:
    began = time.perf_counter()
    _by_hand(owner, dataset)
    return (time.perf_counter() - began) * 1000


def _by_hand(owner: psycopg.Connection, dataset: Dataset) -> list[tuple]:
    first, last = dataset.recent
    values = [dataset.customer_id, clock.day_start(first), clock.day_start(last + timedelta(days=1)), PAGE_SIZE]
    return owner.execute(_BY_HAND, values).fetchall()
