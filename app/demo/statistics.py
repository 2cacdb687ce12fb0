"""Generate the threat statistics of the demo's UTMs, as the lines that a UTM would send.

A busy UTM drops alerts, but counts every detection: so no number is lower than that of the alerts. Most categories of the
URL filter are allowed and only counted.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from models import clock
from models.alerts.alert import SecurityFunction

# The key of an alert line that has its category.
_CATEGORY: dict[str, str] = {
    SecurityFunction.ANTIVIRUS: "virus",
    SecurityFunction.IPS: "msg",
    SecurityFunction.URL_FILTER: "cname",
    SecurityFunction.APP_GUARD: "atype",
}
_BAD_SITE = "フィッシング・不正サイト"
_ALLOWED = ("ニュース", "検索エンジン", "旅行", "スポーツ", "音楽配信", "求人", "不動産", "ブログ")
_ALLOWED_IN = 0.4
"""In how many of the hours with alerts of the URL filter an allowed category is counted too."""


def lines(pick: random.Random, alerts: Iterable[bytes]) -> list[bytes]:
    """Generate the statistics of a UTM, ordered by hour.

    :param alerts: the lines of its alerts.
    """
    counts: Counter[tuple[datetime, str, str]] = Counter()
    for line in alerts:
        alert = json.loads(line)
        function = alert["type"]
        hour = datetime.fromisoformat(alert["time"]).astimezone(clock.TOKYO).replace(minute=0, second=0, microsecond=0)
        counts[hour, function, alert[_CATEGORY[function]] if function in _CATEGORY else _BAD_SITE] += 1
    for hour, function, _ in sorted(counts):
        if function == SecurityFunction.URL_FILTER and pick.random() < _ALLOWED_IN:
            counts[hour, function, pick.choice(_ALLOWED)] += pick.randint(1, 4)
    return [
        json.dumps(
            {
                "hour": hour.isoformat(),
                "function": function,
                "category": category,
                "count": count + pick.randint(0, 2 * count),
            },
            ensure_ascii=False,
        ).encode()
        for (hour, function, category), count in sorted(counts.items())
    ]
