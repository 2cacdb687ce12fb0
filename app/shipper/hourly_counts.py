"""Counts alerts by hour, security function and category: the threat statistics that the shipper sends beside the alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Key = tuple[str, str, str]
"""Hour in UTC as ISO text, security function and category."""

UNKNOWN = "unknown"
OTHER = "other"
KEPT_DAYS = 31
# Categories of a function within an hour; they come from the log, and should not use up the memory.
_MAX_CATEGORIES = 200
_MAX_TEXT = 255
# The first of these keys that an alert line has is its category.
_CATEGORY_KEYS = ("cname", "atype", "suricata_category", "fortigate_category")


def threat_category(line: dict[str, Any]) -> str:
    """Return the category under which an alert is counted."""
    found = next((line[key] for key in _CATEGORY_KEYS if line.get(key)), UNKNOWN)
    return str(found)[:_MAX_TEXT]


class HourlyCounts:
    """Counts of alerts.

    :ivar pruned_before: hours before this one were removed by ``prune``; empty if none were.
    """

    def __init__(self) -> None:
        self.counts: Counter[Key] = Counter()
        self.pruned_before = ""
        self._categories: Counter[tuple[str, str]] = Counter()

    def add(self, line: dict[str, Any], number: int = 1) -> None:
        """Count an alert line."""
        when = datetime.fromisoformat(line["time"]).astimezone(UTC)
        hour = when.replace(minute=0, second=0, microsecond=0).isoformat()
        self._add((hour, str(line["type"]), threat_category(line)), number)

    def _add(self, key: Key, number: int) -> None:
        if key not in self.counts:
            if self._categories[key[:2]] >= _MAX_CATEGORIES:
                key = (*key[:2], OTHER)
            self._categories[key[:2]] += key not in self.counts
        self.counts[key] += number

    def prune(self) -> None:
        """Remove hours that are more than KEPT_DAYS older than the newest."""
        newest = max((hour for hour, _, _ in self.counts), default=None)
        if newest is None:
            return
        oldest = (datetime.fromisoformat(newest) - timedelta(days=KEPT_DAYS)).isoformat()
        self.pruned_before = max(self.pruned_before, oldest)
        self.counts = Counter({key: number for key, number in self.counts.items() if key[0] >= oldest})
        self._categories = Counter(key[:2] for key in self.counts)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object, from which ``of`` makes the same counts."""
        return {"before": self.pruned_before, "rows": [[*key, number] for key, number in self.counts.items()]}

    @classmethod
    def of(cls, stored: Any) -> HourlyCounts:
        """Return stored counts; none if they are missing or invalid, as in the positions of older versions."""
        found = cls()
        try:
            for hour, function, category, number in stored["rows"]:
                found._add((str(hour), str(function), str(category)), int(number))
            found.pruned_before = str(stored["before"])
        except (KeyError, TypeError, ValueError):
            return cls()
        return found


def statistics_lines(counts: Iterable[tuple[Key, int]]) -> Iterator[dict[str, Any]]:
    """Yield counts as lines of the device API, in order."""
    for (hour, function, category), number in sorted(counts):
        yield {"hour": hour, "function": function, "category": category, "count": number}


class SentCounts:
    """Counts of alerts of which the changed ones are sent, until the portal has confirmed them."""

    def __init__(self) -> None:
        self._counts = HourlyCounts()
        self._confirmed: dict[Key, int] = {}

    def add(self, lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Count alert lines, and return the lines of the counts that are not confirmed."""
        for line in lines:
            self._counts.add(line)
        return list(
            statistics_lines(
                (key, number) for key, number in self._counts.counts.items() if number != self._confirmed.get(key)
            )
        )

    def confirm(self) -> None:
        """Note that the portal has confirmed all counts."""
        self._counts.prune()
        self._confirmed = dict(self._counts.counts)
