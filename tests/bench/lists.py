"""The alert list of a customer with 100 UTMs, against a stock Flask-AppBuilder list of the same rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from tests.bench.places import Place
from tests.bench.timing import Probe, in_turn, middle, probe

RUNS = 9
STATEMENTS = 8
FIRST_PAGE = 5.0
OTHER_PAGE = 2.0
_FAR_PAGE = 400
_CONTAINS, _EQUAL = 2, 3  # where these stand among the filters Flask-AppBuilder has for a text


@dataclass(frozen=True)
class Case:
    """One page.

    :ivar ours: the page's arguments.
    :ivar stock: those of the stock list; None where it has nothing like it.
    :ivar limit: how many times as fast as the stock list it must be.
    """

    name: str
    ours: dict[str, Any]
    stock: dict[str, Any] | None
    limit: float = OTHER_PAGE
    page: int = 1


def cases(place: Place) -> list[Case]:
    """Every page that is measured: the first one, each condition alone, each order, a far page."""
    utm = place.utms[1]
    conditions = [
        ("機能 IPS", {"function": "ips"}, {f"_flt_{_EQUAL}_function": "ips"}),
        ("機能 アンチウィルス (rare)", {"function": "antivirus"}, {f"_flt_{_EQUAL}_function": "antivirus"}),
        ("レベル High (rare)", {"level": "high"}, {f"_flt_{_EQUAL}_level": "high"}),
        ("one of 100 UTMs", {"utm": utm}, {"_flt_0_utm_id": utm}),
        ("アクション Block", {"action": "block"}, {f"_flt_{_EQUAL}_action": "block"}),
        ("送信元IPアドレス", {"source": "203.0.113.54"}, None),
        ("宛先IPアドレス, a network", {"destination": "203.0.113.0/24"}, None),
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
        Case("oldest first", _ours_by("occurred_at", "asc"), _stock_by("occurred_at", "asc")),
        *(
            Case(f"by {name}, {way}ending", _ours_by(name, way), _stock_by("utm.name" if name == "utm" else name, way))
            for name in orders
            for way in ("asc", "desc")
        ),
        Case(f"page {_FAR_PAGE}", {}, {"page_AlertModelView": _FAR_PAGE - 1}, page=_FAR_PAGE),
    ]


def measure(place: Place, chosen: list[Case] | None = None) -> list[dict[str, Any]]:
    """Ask both in turn for each page.

    :returns: for each page the medians in ms, their ratio, and the portal's number of statements.
    """
    found = []
    with probe("portal", place.env) as portal, probe("stock", place.env) as stock:
        for case in chosen or cases(place):
            path = _path(place, portal, case)
            if path is None:  # a condition the page does not have
                continue
            ways = [partial(_ms, portal, path)]
            if case.stock is not None:
                stock_path = f"/alertmodelview/list/?{urlencode(case.stock)}"
                ways.append(partial(_ms, stock, stock_path))
                _same_rows(case, portal.ask(path), stock.ask(stock_path))
            figures = [middle(each) for each in in_turn(RUNS, *ways)]
            found.append(_row(case, figures, portal.ask(path)["statements"]))
    return found


def growth(bench: Place, large: Place) -> list[dict[str, Any]]:
    """The same pages of the same customer where there are ten times as many alerts around it."""
    found = []
    with probe("portal", bench.env) as small, probe("portal", large.env) as big:
        for case in cases(bench):
            paths = _path(bench, small, case), _path(large, big, case)
            if None in paths:
                continue
            one, ten = in_turn(RUNS, partial(_ms, small, paths[0]), partial(_ms, big, paths[1]))
            one_ms, ten_ms = middle(one), middle(ten)
            held = ten_ms <= max(1.5 * one_ms, one_ms + 10)
            found.append({"name": case.name, "one": one_ms, "ten": ten_ms, "ratio": ten_ms / one_ms, "held": held})
    return found


def _row(case: Case, figures: list[float], statements: int) -> dict[str, Any]:
    stock = figures[1] if len(figures) > 1 else None
    ratio = stock / figures[0] if stock is not None else None
    return {
        "name": case.name,
        "portal": figures[0],
        "stock": stock,
        "ratio": ratio,
        "limit": case.limit,
        "statements": statements,
        "held": statements <= STATEMENTS and (ratio is None or ratio >= case.limit),
    }


def _ms(asked: Probe, path: str) -> float:
    return asked.ask(path)["ms"]


def _path(place: Place, portal: Probe, case: Case) -> str | None:
    first, last = place.recent
    arguments = {"unit": "day", "first": str(first), "last": str(last)} | case.ours
    screen = "important" if arguments.pop("important", False) else ""
    address = f"/customers/{place.customer_id}/alerts/{screen}"
    path = f"{address}?{urlencode(arguments)}"
    page = portal.ask(path, text=True)["text"]
    for name in case.ours:
        if name not in {"important", "sort", "direction"} and f'name="{name}"' not in page:
            return None
    for _ in range(case.page - 1):
        following = re.search(r'href="(\?[^"#]*after=[^"#]*)"', page)[1].replace("&amp;", "&")
        path = address + following
        page = portal.ask(path, text=True)["text"]
    return path


def _same_rows(case: Case, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Refuse to compare a page of rows with one of none: each of our rows has a second one with its details."""
    mine, other = max(0, ours["rows"] - 1) // 2, max(0, theirs["rows"] - 1)
    if bool(mine) != bool(other):
        raise RuntimeError(f"{case.name}: the portal shows {mine} rows and the stock list {other}.")


def _ours_by(name: str, way: str) -> dict[str, str]:
    return {"sort": name, "direction": way}


def _stock_by(name: str, way: str) -> dict[str, str]:
    return {"_oc_AlertModelView": name, "_od_AlertModelView": way}
