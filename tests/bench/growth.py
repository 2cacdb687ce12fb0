"""The alert list of one customer where there are ten times as many alerts around it."""

from __future__ import annotations

from functools import partial

from tests.bench import lists
from tests.bench.finding import Finding, times
from tests.bench.places import Place
from tests.bench.timing import in_turn, middle, probe

TITLE = "The alert list, from 1,000,000 to 10,000,000 alerts"
ABOUT = (
    "The same pages of the same customer, in a database with its tenant's 1,000,000 alerts and in one with 10,000,000;"
    " asked in turn, medians."
)
RUNS = 15
RATIO = 1.5
MILLISECONDS = 10.0


def measure(small: Place, large: Place, *, runs: int = RUNS, far_page: int = lists.FAR_PAGE) -> list[Finding]:
    """Ask both in turn for each page."""
    found = []
    with probe("portal", small.env) as before, probe("portal", large.env) as after:
        for case in lists.cases(small, far_page=far_page):
            paths = lists.address(small, before, case), lists.address(large, after, case)
            ways = [
                partial(lists.milliseconds, asked, path) for asked, path in zip((before, after), paths, strict=True)
            ]
            one, ten = (middle(each) for each in in_turn(runs, *ways))
            found.append(
                Finding(
                    case.name,
                    {"1,000,000": f"{one:.1f} ms", "10,000,000": f"{ten:.1f} ms", "ratio": times(ten / one)},
                    f"at most {RATIO}x or {MILLISECONDS:.0f} ms more",
                    ten <= max(RATIO * one, one + MILLISECONDS),
                )
            )
    return found
