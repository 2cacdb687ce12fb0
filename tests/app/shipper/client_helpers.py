"""Alerts to send, and responses of a portal that is not available."""

from __future__ import annotations

from typing import Any

BUSY: tuple[int, dict[str, str], bytes] = (503, {}, b"")
LOST: tuple[int, dict[str, str], bytes] = (0, {}, b"")


def lines(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"alert_id": f"1-{number}", "time": "2026-11-22T00:00:00+00:00", "type": "ips", "act": "pass"} | more
        for number in range(count)
    ]
