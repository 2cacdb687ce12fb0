"""The alert list of a customer with 100 UTMs, against a stock Flask-AppBuilder list of the same rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import Probe, alternate, middle, probe

TITLE = "The alert list against a stock Flask-AppBuilder list"
ABOUT = (
    "Whole pages of 50 rows of 31 days of a customer with 100 UTMs and half a million alerts, in one process each, asked"
    " in turn on one core; medians, of the ratio too. The stock list is a ModelView of the same table, with the same columns, order and page, base_filters for"
    " customer and time, and a user with one role; it signs in past row-level security. Its search form is unmodified and offers"
    " every column. Statements are all of the portal's request: user, rights, tenant and menu among them."
)
RUNS = 41
STATEMENTS = 8
FIRST_PAGE = 5.0
FASTER = 4.0
OTHER_ORDER = 2.5
FAR_PAGE = 400
_CONTAINS, _EQUAL = 2, 3  # where these stand among the filters Flask-AppBuilder has for a text


@dataclass(frozen=True)
class Case:
    """One page.

    :ivar ours: the page's arguments.
    :ivar stock: those of the stock list.
    :ivar limit: how many times as fast as the stock list it must be.
    """

    name: str
    ours: dict[str, Any]
    stock: dict[str, Any]
    limit: float = FASTER
    page: int = 1


def cases(dataset: Dataset, *, far_page: int = FAR_PAGE) -> list[Case]:
    """Every page that is measured: the first one, each condition alone, each order, a far page."""
    utm = dataset.utms[1]
    source, destination = _addresses(dataset)
    conditions = [
        ("機能 IPS", {"function": "ips"}, {f"_flt_{_EQUAL}_function": "ips"}),
        ("機能 アンチウィルス (rare)", {"function": "antivirus"}, {f"_flt_{_EQUAL}_function": "antivirus"}),
        ("機能 Webガード (rare)", {"function": "web_guard"}, {f"_flt_{_EQUAL}_function": "web_guard"}),
        ("レベル High (rare)", {"level": "high"}, {f"_flt_{_EQUAL}_level": "high"}),
        ("one of 100 UTMs", {"utm": utm}, {"_flt_0_utm": utm}),
        ("アクション Block", {"action": "block"}, {f"_flt_{_EQUAL}_action": "block"}),
        ("アクション, none such", {"action": "drop"}, {f"_flt_{_EQUAL}_action": "drop"}),
        ("送信元IPアドレス", {"source": source}, {f"_flt_{_EQUAL}_src_ip": source}),
        ("宛先IPアドレス", {"destination": destination}, {f"_flt_{_EQUAL}_dst_ip": destination}),
        ("アラートID, none such", {"alert_id": "1-1"}, {f"_flt_{_EQUAL}_alert_id": "1-1"}),
        ("URL contains", {"url": "casino"}, {f"_flt_{_CONTAINS}_url": "casino"}),
        ("URL contains, none such", {"url": "nowhere"}, {f"_flt_{_CONTAINS}_url": "nowhere"}),
        ("脅威名 contains", {"threat": "SSH"}, {f"_flt_{_CONTAINS}_msg": "SSH"}),
        ("ファイル名 contains", {"file": "eicar"}, {f"_flt_{_CONTAINS}_file": "eicar"}),
    ]
    orders = ["alert_id", "utm", "function", "action", "level"]
    return [
        Case("newest first", {}, {}, FIRST_PAGE),
        Case("問題を確認 (only High)", {"important": True}, {f"_flt_{_EQUAL}_level": "high"}),
        *(Case(name, ours, stock) for name, ours, stock in conditions),
        Case("oldest first", _ours_by("occurred_at", "asc"), _stock_by("occurred_at", "asc"), OTHER_ORDER),
        *(
            Case(
                f"by {name}, {way}ending",
                _ours_by(name, way),
                _stock_by("utm.name" if name == "utm" else name, way),
                OTHER_ORDER,
            )
            for name in orders
            for way in ("asc", "desc")
        ),
        Case(f"page {far_page}", {}, {"page_AlertModelView": far_page - 1}, page=far_page),
    ]


def measure(dataset: Dataset, *, runs: int = RUNS, far_page: int = FAR_PAGE) -> list[Finding]:
    """Ask both in turn for each page."""
    found = []
    with probe("portal", dataset.env) as portal, probe("stock", dataset.env) as stock:
        for case in cases(dataset, far_page=far_page):
            path, stock_path = address(dataset, portal, case), f"/alertmodelview/list/?{urlencode(case.stock)}"
            check_rows(case, portal.ask(path), stock.ask(stock_path))
            ours, theirs = alternate(
                runs, partial(milliseconds, portal, path), partial(milliseconds, stock, stock_path)
            )
            found.append(_finding(case, ours, theirs, portal.ask(path)["statements"]))
    return found


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
        f"at least {case.limit:g}x, {STATEMENTS} statements",
        ratio >= case.limit and statements <= STATEMENTS,
    )


def milliseconds(asked: Probe, path: str) -> float:
    """How long a page takes."""
    return asked.ask(path)["ms"]


def address(dataset: Dataset, portal: Probe, case: Case) -> str:
    """Where a case's page is; far ones are gone to page by page, as a person would."""
    first, last = dataset.recent
    arguments = {"unit": "day", "first": str(first), "last": str(last)} | case.ours
    screen = "important" if arguments.pop("important", False) else ""
    address = f"/customers/{dataset.customer_id}/alerts/{screen}"
    path = f"{address}?{urlencode(arguments)}"
    page = portal.ask(path, text=True)["text"]
    for name in case.ours:
        if name not in {"important", "sort", "direction"} and f'name="{name}"' not in page:
            raise RuntimeError(f"{case.name}: the page has no field {name}.")
    for _ in range(case.page - 1):
        # The pager's own link: others on the page keep the present place.
        (pager,) = re.findall(r'<nav class="[^"]*\bkeyset\b.*?</nav>', page, re.DOTALL)
        *_, following = re.findall(r'href="(\?[^"#]*after=[^"#]*)"', pager)
        path = address + following.replace("&amp;", "&")
        page = portal.ask(path, text=True)["text"]
    return path


def check_rows(case: Case, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Refuse to compare pages of different lengths: each of our rows has a second one for its details."""
    mine, other = max(0, ours["rows"] - 1) // 2, max(0, theirs["rows"] - 1)
    if mine != other:
        raise RuntimeError(f"{case.name}: the portal shows {mine} rows and the stock list {other}.")


def _addresses(dataset: Dataset) -> tuple[str, str]:
    """Two that are there to be found: those of the newest alert that has them."""
    with dataset.owner() as connection:
        return connection.execute(
            "SELECT host(src_ip), host(dst_ip) FROM alert WHERE customer_id = %s AND src_ip IS NOT NULL"
            " AND dst_ip IS NOT NULL ORDER BY occurred_at DESC, seq DESC LIMIT 1",
            [dataset.customer_id],
        ).fetchone()


def _ours_by(name: str, way: str) -> dict[str, str]:
    return {"sort": name, "direction": way}


def _stock_by(name: str, way: str) -> dict[str, str]:
    return {"_oc_AlertModelView": name, "_od_AlertModelView": way}
