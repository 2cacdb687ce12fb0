"""Suricata records for the shipper's tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any


def alert(number: int, **more: Any) -> dict[str, Any]:
    """Return an alert of a minute ago that is unique for its number."""
    when = datetime.now(UTC).replace(microsecond=number % 1_000_000) - timedelta(minutes=1)
    return {
        "timestamp": when.isoformat(timespec="microseconds"),
        "flow_id": number,
        "event_type": "alert",
        "src_ip": "192.168.10.20",
        "dest_ip": "198.51.100.7",
        "proto": "TCP",
        "alert": {"action": "allowed", "signature": f"ET SCAN 表示 {number}", "signature_id": 2900101, "severity": 2},
    } | more


def text_of(*records: dict[str, Any]) -> str:
    """Return records as Suricata writes them, one on each line."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
