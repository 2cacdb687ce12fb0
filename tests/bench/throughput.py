"""How many small signed-in pages a second gunicorn serves, against stock Flask-AppBuilder."""

from __future__ import annotations

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle
from tests.bench.web import Web, gunicorn

TITLE = "A small signed-in page, requests per second"
ABOUT = (
    "gunicorn with two workers of four threads on both sides, eight connections, rounds in turn. The form for a new"
    " password has the same purpose in both, and no figures. The list of the user's tenants is compared with a stock list"
    " of the same table, which has only their names: the portal's also counts offline UTMs and the important alerts of 31"
    " days, and has the search for customers of all tenants."
)
RUNS = 5
FASTER = 5.0
FASTER_WITH_FIGURES = 2.5
_CONNECTIONS = 8


class Page(NamedTuple):
    """A page that both have.

    :ivar sign: a text that is on both, without which they are not compared; None for the ID of the tenant.
    """

    name: str
    portal: str
    stock: str
    sign: str | None
    limit: float


PAGES = (
    Page("the form for a new password", "/password/", "/resetmypassword/form", 'type="password"', FASTER),
    Page("the list of tenants, with figures", "/tenants/", "/tenantmodelview/list/", None, FASTER_WITH_FIGURES),
)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def measure(dataset: Dataset, *, runs: int = RUNS, seconds: float = 3.0) -> list[Finding]:
    """Ask both in turn as fast as they answer.

    :param seconds: how long a round lasts; each connection asks at least once.
    """
    with gunicorn(dataset, "portal") as portal, gunicorn(dataset, "stock") as stock:
        return [_measured(dataset, page, portal, stock, runs, seconds) for page in PAGES]


def _measured(dataset: Dataset, page: Page, portal: Web, stock: Web, runs: int, seconds: float) -> Finding:
    _same_page(page.sign or dataset.tenant_id, page, portal, stock)
    ways = partial(rate, portal, page.portal, seconds), partial(rate, stock, page.stock, seconds)
    ours, theirs = (middle(each) for each in alternate(runs, *ways))
    return Finding(
        page.name,
        {"portal": f"{ours:.0f}/s", "stock": f"{theirs:.0f}/s", "ratio": times(ours / theirs)},
        f"at least {page.limit:g}x",
        ours / theirs >= page.limit,
    )


def rate(web: Web, path: str, seconds: float) -> float:
    """Requests a second over connections that are kept open.

    :raises RuntimeError: an answer is not a page.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {web.cookie}\r\n\r\n".encode()
    began = time.perf_counter()
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        counts = threads.map(lambda _: _ask(web.port, request, began + seconds), range(_CONNECTIONS))
        total = sum(counts)
    return total / (time.perf_counter() - began)


def _ask(port: int, request: bytes, until: float) -> int:
    """One connection's part: the least a client can do, so that what is measured is the server."""
    count = 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        while not count or time.perf_counter() < until:
            connection.sendall(request)
            read_page(connection)
            count += 1
    return count


def read_page(connection: socket.socket) -> None:
    """Read one answer, of which only the status and the length are looked at.

    :raises RuntimeError: its status is not 200.
    """
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        piece = connection.recv(65_536)
        if not piece:
            raise RuntimeError("The server closed a connection it was to keep.")
        answer += piece
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"The page answered {answer.splitlines()[0]!r}.")
    left = end + 4 + int(_LENGTH.search(answer[: end + 2])[1]) - len(answer)
    while left > 0:
        left -= len(connection.recv(65_536))


def _same_page(sign: str, page: Page, portal: Web, stock: Web) -> None:
    """Refuse to compare anything but pages that show the same."""
    for web, path in ((portal, page.portal), (stock, page.stock)):
        connection = web.connect()
        connection.request("GET", path, headers={"Cookie": web.cookie})
        if sign not in connection.getresponse().read().decode():
            raise RuntimeError(f"{path} does not show {sign}.")
        connection.close()
