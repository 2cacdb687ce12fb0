"""Alert lines for tests, as a UTM sends them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any


def line(number: int = 0, *, at: datetime, **values: Any) -> bytes:
    """One line; further values replace or add keys."""
    base = {
        "alert_id": f"{int(at.timestamp())}-{number}",
        "time": at.isoformat(),
        "type": "ips",
        "act": "pass",
        "alert_severity": "low",
        "src-ip": "192.168.10.24",
        "src-port": 51844,
        "dst-ip": "203.0.113.8",
        "dst-port": 443,
        "proto": "TCP",
    }
    return json.dumps(base | values, ensure_ascii=False).encode()


def lines(
    count: int, *, at: datetime, every: timedelta = timedelta(seconds=1), **values: Any
) -> list[tuple[int, bytes]]:
    """Numbered lines, each a little older than the one before."""
    return [(number + 1, line(number, at=at - number * every, **values)) for number in range(count)]
