"""The customer list of a tenant with contracts, by each of its search fields, against SQL written by hand."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psycopg

from models.values.company_name import search_key
from tests.bench import contract_rows
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import Probe, alternate, middle, probe

TITLE = "The customer list by each search field against SQL written by hand"
ABOUT = (
    "The time in the database for one page of 25 of a tenant's customers with 10,000 contracts: all statements of the"
    " request, and without the first one, which reads the user and is the same for every page. By hand are the count and"
    " the rows, as the owner, past row-level security. Asked in turn; medians. The ratio is that of the list's statements."
)
RUNS = 41
STATEMENTS = 10
SLOWER = 3.0
_COUNT_CAP = 1_001


class Case(NamedTuple):
    """One search.

    :ivar arguments: the page's.
    :ivar condition: the same in SQL, with the values that it takes.
    """

    name: str
    arguments: dict[str, Any]
    condition: str = "true"
    values: tuple[Any, ...] = ()


CASES = (
    Case("all", {}),
    Case("会社ID contains", {"id": "0012"}, "id LIKE %s", ("%0012%",)),
    Case("会社名 contains", {"name": "一覧"}, "search_name LIKE %s", (f"%{search_key('一覧')}%",)),
    Case("会社名, none such", {"name": "どこにもない"}, "search_name LIKE %s", (f"%{search_key('どこにもない')}%",)),
    Case("残高 at least", {"balance": "3000", "balance_is": "ge"}, "balance >= %s", (3_000,)),
    Case("最終請求日", {"last_invoiced_on": "2026-03-01"}, "last_invoiced_on = %s", ("2026-03-01",)),
    Case("ステータス 有効", {"status": "active"}, "status = %s", ("active",)),
    Case("ステータス ドラフト", {"status": "draft"}, "status = %s", ("draft",)),
    Case(
        "several",
        {"name": "一覧", "status": "active", "balance": "100", "balance_is": "ge"},
        "search_name LIKE %s AND status = %s AND balance >= %s",
        (f"%{search_key('一覧')}%", "active", 100),
    ),
)


def measure(dataset: Dataset, *, runs: int = RUNS, customers: int = contract_rows.CUSTOMERS) -> list[Finding]:
    """Ask both in turn for each search.

    :param customers: how many of them have two contracts each.
    """
    contract_rows.fill(dataset, customers=customers)
    found = []
    with probe("portal", dataset.env) as portal, dataset.owner() as owner:
        for case in CASES:
            path = f"/customers/?{urlencode(case.arguments)}"
            answer = portal.ask(path)
            check_rows(case, max(0, answer["rows"] - 1), len(_by_hand(owner, dataset, case)))
            everything = []
            ways = partial(_sql_time, portal, path, everything), partial(_hand_time, owner, dataset, case)
            ours, theirs = alternate(runs, *ways)
            found.append(_finding(case, ours, theirs, everything, answer["statements"]))
    return found


def check_rows(case: Case, ours: int, theirs: int) -> None:
    """Refuse to compare pages of different lengths."""
    if ours != theirs:
        raise RuntimeError(f"{case.name}: the portal shows {ours} rows and the statement by hand {theirs}.")


def _finding(case: Case, ours: list[float], theirs: list[float], everything: list[float], statements: int) -> Finding:
    ratio = middle([mine / other for mine, other in zip(ours, theirs, strict=True)])
    return Finding(
        case.name,
        {
            "request": f"{middle(everything):.1f} ms",
            "list": f"{middle(ours):.1f} ms",
            "by hand": f"{middle(theirs):.1f} ms",
            "ratio": times(ratio),
            "statements": str(statements),
        },
        f"at most {SLOWER:g}x, {STATEMENTS} statements",
        ratio <= SLOWER and statements <= STATEMENTS,
    )


def _sql_time(portal: Probe, path: str, everything: list[float]) -> float:
    """Return the milliseconds of the list's statements.

    :param everything: to which those of all statements of the request are added.
    """
    answer = portal.ask(path)
    everything.append(answer["sql_ms"])
    return answer["page_sql_ms"]


def _hand_time(owner: psycopg.Connection, dataset: Dataset, case: Case) -> float:
    began = time.perf_counter()
    _by_hand(owner, dataset, case)
    return (time.perf_counter() - began) * 1000


def _by_hand(owner: psycopg.Connection, dataset: Dataset, case: Case) -> list[tuple]:
    """Count the customers as far as the list does, and read one page of them."""
    where = f"tenant_id = %s AND deleted_at IS NULL AND {case.condition}"
    values = [dataset.tenant_id, *case.values]
    owner.execute(f"SELECT count(*) FROM (SELECT id FROM customer WHERE {where} LIMIT {_COUNT_CAP}) AS capped", values)
    return owner.execute(
        f"SELECT id, name, balance, last_invoiced_on, status FROM customer WHERE {where} ORDER BY id DESC LIMIT 25",
        values,
    ).fetchall()
