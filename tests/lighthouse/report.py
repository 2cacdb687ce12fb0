"""Read Lighthouse's reports of a page, and decide whether it is good enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

LIMITS = {"performance": 90, "accessibility": 95, "best-practices": 95, "seo": 0}
"""The lowest score of each category. Search engines get none of these pages, so their score is only shown."""

NAMED = 5
"""How many audits are named at most for a score that is too low."""


class Unusable(Exception):
    """A report does not describe the page that was asked for; the message says why."""


@dataclass(frozen=True)
class Result:
    """The scores of a page.

    :ivar scores: the median for each category, from 0 to 100.
    :ivar costly: the audits that cost most, for each category that misses its limit.
    :ivar warnings: what Lighthouse says about the circumstances, such as a machine that is too slow or busy.
    """

    page: str
    scores: Mapping[str, int]
    costly: Mapping[str, Sequence[str]]
    warnings: Sequence[str]

    @property
    def missed(self) -> list[str]:
        """The categories whose limit is missed."""
        return [category for category, limit in LIMITS.items() if self.scores[category] < limit]


def read(page: str, reports: Sequence[Mapping[str, Any]], url: str) -> Result:
    """Return the scores of a page that was loaded several times.

    :param reports: the reports as Lighthouse writes them in JSON.
    :param url: the page's address.
    :raises Unusable: a report is about another address, such as that of the sign-in, or Lighthouse failed.
    """
    for report in reports:
        if error := report.get("runtimeError"):
            raise Unusable(f"{page}: {error['message']}")
        if report["finalDisplayedUrl"] != url:
            raise Unusable(f"{page}: {url} led to {report['finalDisplayedUrl']}.")
    scores, costly = {}, {}
    for category, limit in LIMITS.items():
        found = [score(report, category) for report in reports]
        scores[category] = median_low(found)
        if scores[category] < limit:
            costly[category] = costs(reports[found.index(scores[category])], category)
    warnings = {warning for report in reports for warning in report["runWarnings"]}
    return Result(page, scores, costly, sorted(warnings))


def score(report: Mapping[str, Any], category: str) -> int:
    """Return a score from 0 to 100.

    :raises Unusable: an audit failed, so that there is none.
    """
    found = report["categories"][category]["score"]
    if found is None:
        failed = [each["id"] for each in report["audits"].values() if each["scoreDisplayMode"] == "error"]
        raise Unusable(f"There is no score for {category}: {', '.join(failed)} failed.")
    return round(found * 100)


def costs(report: Mapping[str, Any], category: str) -> list[str]:
    """Return what lowers a score most: first the audits that count, then what Lighthouse suggests against them."""
    references = report["categories"][category]["auditRefs"]
    total = sum(each["weight"] for each in references)
    points, savings = [], []
    for each in references:
        audit = report["audits"][each["id"]]
        if each["weight"] and audit["score"] is not None and audit["score"] < 1:
            points.append((100 * each["weight"] * (1 - audit["score"]) / total, audit))
        elif gain := max((audit.get("metricSavings") or {}).values(), default=0):
            savings.append((gain, audit))
    return [
        *(f"{_named(audit)}: costs {cost:.1f} points" for cost, audit in _largest(points)),
        *(f"{_named(audit)}: would save {gain:.0f} ms" for gain, audit in _largest(savings)),
    ]


def _largest(found: list[tuple[float, Any]]) -> list[tuple[float, Any]]:
    return sorted(found, key=lambda each: -each[0])[:NAMED]


def _named(audit: Mapping[str, Any]) -> str:
    shown = audit.get("displayValue")
    return f"{audit['id']} ({shown})" if shown else audit["id"]


def table(results: Sequence[Result]) -> str:
    """Return the scores as a table in Markdown; those that are too low are bold."""
    header = ["page", *LIMITS]
    rows = [header, ["---"] * len(header), ["limit", *(str(limit or "") for limit in LIMITS.values())]]
    for result in results:
        scores = [f"**{value}**" if name in result.missed else str(value) for name, value in result.scores.items()]
        rows.append([result.page, *scores])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
