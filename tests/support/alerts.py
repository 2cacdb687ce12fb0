"""Alert lines for tests, as a UTM sends them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from models.alerts import ingest as alert_ingest
from models.alerts.ingest import Receipt
from models.utms.utm import Utm

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
"""When alerts stored by name arrive: the afternoon in Tokyo."""


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


def names_of(session: Session, customer_id: str) -> dict[int, str]:
    """The names of a customer's UTMs, for lists that are sorted by them."""
    rows = session.execute(select(Utm.id, Utm.name).where(Utm.customer_id == customer_id))
    return {utm_id: name for utm_id, name in rows}  # noqa: C416  (a row is no pair for the type checker)


def store_named(engine: Engine, utm: Utm, **named: dict[str, Any]) -> Receipt:
    """Store lines given as alert ID -> values, the first the newest."""
    raw = [
        (number, line(at=NOW - timedelta(minutes=number), **({"alert_id": name} | values)))
        for number, (name, values) in enumerate(named.items(), 1)
    ]
    with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
        sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
        receipt = alert_ingest.store(session, sender, raw, now=NOW, retention_months=13)
        session.commit()
    assert receipt.stored == len(named), receipt
    return receipt
