"""A list declared from its model, the customers of a tenant, against a stock Flask-AppBuilder list of the same rows."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlencode

from models.values.company_name import search_key
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.lists import STATEMENTS, milliseconds
from tests.bench.timing import alternate, middle, probe

TITLE = "A declared list against a stock Flask-AppBuilder list"
ABOUT = (
    "Whole pages of 25 of a tenant's 10,000 customers, in one process each, asked in turn on one core; medians, of the ratio"
    " too. The stock list is a ModelView of the same table, with the same columns, order and page, base_filters for the"
    " tenant, and a user with one role that may look, change and delete, as the portal's may."
)
RUNS = 41
ROWS = 10_000
FASTER = 2.0
FAR_PAGE = 100
_CONTAINS = 2  # where it stands among the filters Flask-AppBuilder has for a text
_COLUMNS = (
    "tenant_id, name, search_name, status, balance, last_invoiced_on, contact_last_name, contact_first_name, contact_email,"
    " contact_phone, postcode, prefecture, address"
)


class Case(NamedTuple):
    """One page.

    :ivar ours: the page's arguments.
    :ivar stock: those of the stock list.
    """

    name: str
    ours: dict[str, Any]
    stock: dict[str, Any]


def cases(far_page: int = FAR_PAGE) -> list[Case]:
    """Every page that is measured: the first one, a condition, another order, a far page."""
    return [
        Case("newest first", {}, {}),
        Case("会社名 contains", {"name": "一覧"}, {f"_flt_{_CONTAINS}_name": "一覧"}),
        Case(
            "by name, ascending",
            {"sort": "name", "direction": "asc"},
            {"_oc_CustomerModelView": "name", "_od_CustomerModelView": "asc"},
        ),
        Case(f"page {far_page}", {"page": far_page}, {"page_CustomerModelView": far_page - 1}),
    ]


def measure(dataset: Dataset, *, runs: int = RUNS, rows: int = ROWS, far_page: int = FAR_PAGE) -> list[Finding]:
    """Ask both in turn for each page.

    :param rows: how many customers the tenant has at least.
    """
    fill(dataset, rows)
    found = []
    with probe("portal", dataset.env) as portal, probe("stock", dataset.env) as stock:
        for case in cases(far_page):
            path, stock_path = (
                f"/customers/?{urlencode(case.ours)}",
                f"/customermodelview/list/?{urlencode(case.stock)}",
            )
            answer = portal.ask(path)
            check_rows(case, answer["rows"], stock.ask(stock_path)["rows"])
            ours, theirs = alternate(
                runs, partial(milliseconds, portal, path), partial(milliseconds, stock, stock_path)
            )
            found.append(_finding(case, ours, theirs, answer["statements"]))
    return found


def fill(dataset: Dataset, rows: int) -> None:
    """Give the tenant customers without UTMs until it has so many."""
    with dataset.owner() as owner:
        (present,) = owner.execute("SELECT count(*) FROM customer WHERE tenant_id = %s", [dataset.tenant_id]).fetchone()
        with owner.cursor() as cursor, cursor.copy(f"COPY customer ({_COLUMNS}) FROM STDIN") as copy:
            for number in range(present, rows):
                name = f"一覧株式会社 {number:05d}"
                contact = ("青空", "花子", f"c{number}@example.jp", "0312345678", "060-0000", "北海道", "空見市1-1")
                row = (
                    dataset.tenant_id,
                    name,
                    search_key(name),
                    "draft",
                    number,
                    f"2026-{number % 12 + 1:02d}-01",
                    *contact,
                )
                copy.write_row(row)
        owner.execute("ANALYZE customer")


def check_rows(case: Case, ours: int, theirs: int) -> None:
    """Refuse to compare pages of different lengths."""
    if ours != theirs:
        raise RuntimeError(f"{case.name}: the portal shows {ours - 1} rows and the stock list {theirs - 1}.")


def _finding(case: Case, ours: list[float], theirs: list[float], statements: int) -> Finding:
    # Of each turn: a machine that is slower for a while is so for both.
    ratio = middle([other / mine for mine, other in zip(ours, theirs, strict=True)])
    return Finding(
        case.name,
        {
            "portal": f"{middle(ours):.1f} ms",
            "stock": f"{middle(theirs):.1f} ms",
            "ratio": times(ratio),
            "statements": str(statements),
        },
        f"at least {FASTER:g}x, {STATEMENTS} statements",
        ratio >= FASTER and statements <= STATEMENTS,
    )
