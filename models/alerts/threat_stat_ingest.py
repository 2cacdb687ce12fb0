"""Store the threat statistics of a request body (§7.13)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import clock
from models.alerts.alert import SecurityFunction
from models.alerts.ingest import MAX_LINES, Receipt, Sender
from models.alerts.line import BadLine, json_object, parse_time, required_text
from models.alerts.threat_stat import MAX_CATEGORY, ThreatStat

MAX_COUNT = 2_000_000_000
_FUNCTIONS = [str(function) for function in SecurityFunction]
_KEYS = {"hour", "function", "category", "count"}


def store(
    session: Session, sender: Sender, lines: Iterable[tuple[int, bytes]], *, now: datetime, retention_months: int
) -> Receipt:
    """Store the valid lines of a body. For each UTM, hour, function and category, the number sent last is kept.

    :param lines: line numbers and bytes; may be lazy.
    :param now: hours more than a day later than this are rejected.
    :param retention_months: hours older than this number of months are rejected.
    :returns: the outcome; a line that repeats the number stored, or that a later line of the body replaces, is a
        duplicate.
    """
    oldest = clock.day_start(clock.months_before(clock.tokyo_day(now), retention_months))
    receipt = Receipt()
    accepted = 0
    counts: dict[tuple[datetime, str, str], int] = {}
    for number, raw in lines:
        if accepted + receipt.rejected_count >= MAX_LINES:
            receipt.reject(number, f"after the first {MAX_LINES} lines")
            continue
        try:
            hour, function, category, count = _parse(raw, oldest=oldest, newest=now + timedelta(days=1))
        except BadLine as bad:
            receipt.reject(number, str(bad))
        else:
            accepted += 1
            counts[hour, function, category] = count
    if counts:
        receipt.stored = _upsert(session, sender, counts, now)
    receipt.duplicate = accepted - receipt.stored
    return receipt


def _upsert(session: Session, sender: Sender, counts: dict[tuple[datetime, str, str], int], now: datetime) -> int:
    new = insert(ThreatStat.__table__)
    changed = new.on_conflict_do_update(
        index_elements=["customer_id", "utm_id", "hour", "function", "category"],
        set_={"count": new.excluded.count, "received_at": new.excluded.received_at},
        where=ThreatStat.count != new.excluded.count,
    ).returning(ThreatStat.hour)
    sent_by = {"tenant_id": sender.tenant_id, "customer_id": sender.customer_id, "utm_id": sender.utm_id}
    # In the order of the keys: otherwise two concurrent bodies of a UTM could deadlock.
    rows = [
        sent_by | {"hour": hour, "function": function, "category": category, "count": count, "received_at": now}
        for (hour, function, category), count in sorted(counts.items())
    ]
    # New rows are inserted first: if two bodies had the same new row, the second one would violate the unique key that the
    # statement above does not name.
    added = new.on_conflict_do_nothing().returning(ThreatStat.hour)
    return len(session.execute(added, rows).all()) + len(session.execute(changed, rows).all())


def _parse(raw: bytes, *, oldest: datetime, newest: datetime) -> tuple[datetime, str, str, int]:
    line = json_object(raw)
    unknown = line.keys() - _KEYS
    if unknown:
        raise BadLine("unknown key")
    hour = parse_time(line.get("hour"), "hour")
    if (hour.minute, hour.second, hour.microsecond) != (0, 0, 0):
        raise BadLine("hour: not a full hour")
    if hour < oldest:
        raise BadLine("hour: older than the retention period")
    if hour > newest:
        raise BadLine("hour: more than a day ahead of the server")
    function = line.get("function")
    if function not in _FUNCTIONS:
        raise BadLine(f"function: not one of {', '.join(SecurityFunction)}")
    count = line.get("count")
    if type(count) is not int or not 0 <= count <= MAX_COUNT:
        raise BadLine(f"count: not a whole number from 0 to {MAX_COUNT}")
    return hour, function, required_text(line, "category", MAX_CATEGORY, escaped=True), count
