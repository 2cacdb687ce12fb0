"""The pages of one customer and its tenant where there are ten times as many alerts around them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from tests.bench import lists
from tests.bench.datasets import Dataset
from tests.bench.finding import Finding, times
from tests.bench.timing import alternate, middle, probe

TITLE = "Pages, from 1,000,000 to 10,000,000 alerts"
ABOUT = (
    "The same pages of the same customer and tenant, in a database with this tenant's 1,000,000 alerts and in one with"
    " 10,000,000 alerts, 8,000 UTMs and 5,000 customers of 50 tenants; asked in turn, medians. Of the list, each condition,"
    " each order and a far page; the charts are of yesterday and of its month."
)
RUNS = 30
RATIO = 1.5
MILLISECONDS = 10.0

PAGES = {
    "脅威別": "/customers/{customer}/alerts/threats?unit=day&first={first}&last={last}",
    "参加企業平均と比べる, a day": "/customers/{customer}/charts/average?unit=day&day={day}",
    "参加企業平均と比べる, a month": "/customers/{customer}/charts/average?unit=month&month={month}",
    "自社UTM同士を比べる, a day": "/customers/{customer}/charts/utms?unit=day&day={day}",
    "自社UTM同士を比べる, a month": "/customers/{customer}/charts/utms?unit=month&month={month}",
    "UTM脅威レポート, a day": "/customers/{customer}/charts/threats?unit=day&day={day}",
    "UTM脅威レポート, a month": "/customers/{customer}/charts/threats?unit=month&month={month}",
    "the status page": "/customers/{customer}/security",
    "UTM一覧": "/utms/",
}
"""The pages beside the list, by name."""


def measure(small: Dataset, large: Dataset, *, runs: int = RUNS, far_page: int = lists.FAR_PAGE) -> list[Finding]:
    """Ask both in turn for each page."""
    found = []
    with probe("portal", small.env) as before, probe("portal", large.env) as after:
        paths = {
            case.name: (lists.address(small, before, case), lists.address(large, after, case))
            for case in lists.cases(small, far_page=far_page)
        } | {name: (address(small, page), address(large, page)) for name, page in PAGES.items()}
        for name, both in paths.items():
            ways = [partial(lists.milliseconds, asked, path) for asked, path in zip((before, after), both, strict=True)]
            one, ten = (middle(each) for each in alternate(runs, *ways))
            found.append(
                Finding(
                    name,
                    {"1,000,000": f"{one:.1f} ms", "10,000,000": f"{ten:.1f} ms", "ratio": times(ten / one)},
                    f"at most {RATIO}x or {MILLISECONDS:.0f} ms more",
                    ten <= max(RATIO * one, one + MILLISECONDS),
                )
            )
    return found


def address(dataset: Dataset, page: str) -> str:
    """Return the path of one of ``PAGES``."""
    first, last = dataset.recent
    day = dataset.newest - timedelta(days=1)
    return page.format(customer=dataset.customer_id, first=first, last=last, day=day, month=f"{day:%Y-%m}")
