"""The mails about High alerts (§7.17): one for each UTM, with what it raised since the last one.

Storing an alert notes it as due (``models.alerts.ingest``). One transaction deletes these notes and writes the mail, so that
a run that is killed loses and repeats nothing. If the alerts have a database of their own, there is a transaction in each,
and the batch that both name prevents that a mail is lost or repeated (``models.mail.alert_mail_due``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, delete, func, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import clock
from models.alerts import level_policy
from models.alerts.alert import ACTION_LABELS, FUNCTION_LABELS, Alert, AlertDaily, AlertLevel
from models.alerts.level_decision import level_expression
from models.alerts.level_policy import LevelPolicy
from models.contracts.contract import allowing_utm
from models.db import alert_engine
from models.mail import outbox
from models.mail.alert_mail_due import AlertMailBatch, AlertMailDue
from models.mail.placeholders import one_line
from models.scope import tenant_session
from models.utms.utm import Utm
from models.values.visible_text import visible

LISTED = 20
"""How many alerts a mail lists; the others are counted."""

_LONGEST_THREAT = 100
_READ_LENGTH = 500
"""How much of a threat is read: it is shortened once its invisible characters are removed."""

_alert = Alert.__table__
_daily = AlertDaily.__table__
_due = AlertMailDue.__table__


def waiting(session: Session) -> list[tuple[str, int]]:
    """Return the tenant and primary key of each UTM with alerts to be mailed, those that wait longest first.

    :param session: a cross-tenant session.
    """
    statement = (
        select(_due.c.tenant_id, _due.c.utm_id)
        .group_by(_due.c.tenant_id, _due.c.utm_id)
        .order_by(func.min(_due.c.occurred_at))
    )
    return [(tenant_id, utm_id) for tenant_id, utm_id in session.execute(statement)]


def send(
    session: Session, utm_id: int, *, customer_portal_url: str, list_url: Callable[[str], str], now: datetime
) -> None:
    """Write the mails about the alerts of a UTM that are due, and note in the caller's transaction that they are written.

    Concurrent runs take turns at the row of the UTM. Nothing is written for a UTM that was removed, or whose customer has
    no contract with a UTM any more: its last day is over.

    :param utm_id: the primary key of the UTM.
    :param customer_portal_url: the link in the mail to the customer's addresses.
    :param list_url: returns the link in the mail to the service desk, the list of alerts, for a customer's ID.
    """
    utm = session.scalars(
        select(Utm)
        .where(Utm.id == utm_id)
        .with_for_update(key_share=True, of=Utm)
        .execution_options(populate_existing=True)
    ).one()
    count, alerts = _take(session, utm)
    served = allowing_utm(session, [utm.customer_id], today=clock.tokyo_day(now))
    if not count or utm.removed_at is not None or utm.customer_id not in served:
        return
    values = {
        "CompanyName": utm.customer.name,
        "UtmName": utm.name,
        "UtmId": utm.utm_id,
        "Count": f"{count:,}",
        "Alerts": _listed(alerts, count),
    }
    for kind, addresses, url in (
        ("alert_customer", (utm.customer_email1, utm.customer_email2, utm.customer_email3), customer_portal_url),
        ("alert_desk", (utm.desk_email1, utm.desk_email2, utm.desk_email3), list_url(utm.customer_id)),
    ):
        recipients = [address for address in addresses if address]
        values_with_url = values | {"Url": url}
        outbox.write(session, kind, recipients, values_with_url, now=now, tenant_id=utm.tenant_id, utm_id=utm.id)


def _take(session: Session, utm: Utm) -> tuple[int, Sequence[Any]]:
    """Delete the notes of the alerts that are due, and lower the alerts that are no longer High by the policy in force.

    :returns: the number of alerts that are still High, and the first of them.
    """
    policy = level_policy.in_force(session)
    keys = (_due.c.occurred_at, _due.c.alert_id)
    if alert_engine(session) is None:
        return _sorted_out(session, utm, policy, delete(_due).where(_due.c.utm_id == utm.id).returning(*keys))
    mailed = session.scalar(select(AlertMailBatch.batch).where(AlertMailBatch.utm_id == utm.id))
    with tenant_session(utm.tenant_id) as alerts:
        batch = _mark_batch(alerts, utm, mailed=mailed)
        taken = _sorted_out(alerts, utm, policy, select(*keys).where(_due.c.utm_id == utm.id, _due.c.batch == batch))
        alerts.commit()
    noted = insert(AlertMailBatch).values(tenant_id=utm.tenant_id, utm_id=utm.id, batch=batch)
    session.execute(noted.on_conflict_do_update(index_elements=["tenant_id", "utm_id"], set_={"batch": batch}))
    return taken


def _mark_batch(session: Session, utm: Utm, *, mailed: UUID | None) -> UUID:
    """Delete the notes of the batch that was mailed, and mark the others as a batch.

    :returns: the batch; that of a run which was interrupted, if there was one.
    """
    of_utm = _due.c.utm_id == utm.id
    if mailed is not None:
        session.execute(delete(_due).where(of_utm, _due.c.batch == mailed))
    batch = session.scalar(select(_due.c.batch).where(of_utm, _due.c.batch.is_not(None)).limit(1))
    if batch is None:
        batch = uuid4()
        session.execute(update(_due).where(of_utm).values(batch=batch))
    return batch


def _sorted_out(session: Session, utm: Utm, policy: LevelPolicy, keys: Any) -> tuple[int, Sequence[Any]]:
    """Lower the alerts that are no longer High by a policy, and return how many still are, and the first of them.

    :param keys: the statement that returns the keys of the alerts.
    """
    claimed = keys.cte("claimed")
    # LIMIT makes the database look up each alert by its key. Otherwise it may compare all alerts of the UTM with all notes,
    # because it does not know yet how many alerts a new partition has.
    found = (
        select(
            *_alert.c["seq", "function", "action"],
            func.left(
                func.coalesce(_alert.c.virus, _alert.c.msg, _alert.c.url, _alert.c.app, _alert.c.cname), _READ_LENGTH
            ).label("threat"),
            level_expression(policy, _alert.c).label("decided_level"),
        )
        .where(
            _alert.c.customer_id == utm.customer_id,
            _alert.c.utm_id == utm.id,
            _alert.c.occurred_at == claimed.c.occurred_at,
            _alert.c.alert_id == claimed.c.alert_id,
            _alert.c.level == AlertLevel.HIGH.value,
        )
        .limit(1)
        .lateral("found")
    )
    alerts = session.execute(select(claimed, found).join_from(claimed, found, true())).all()
    _lower(session, utm, [alert for alert in alerts if alert.decided_level == AlertLevel.LOW], version=policy.version)
    high = [alert for alert in alerts if alert.decided_level == AlertLevel.HIGH]
    return len(high), sorted(high, key=lambda alert: (alert.occurred_at, alert.seq))[:LISTED]


_LOWER = (
    update(_alert)
    .where(
        _alert.c.customer_id == bindparam("customer"),
        _alert.c.utm_id == bindparam("utm"),
        _alert.c.occurred_at == bindparam("at"),
        _alert.c.alert_id == bindparam("key"),
    )
    .values(level=AlertLevel.LOW.value, lowered_by=bindparam("by_version"))
)
_COUNT = insert(_daily).on_conflict_do_update(
    index_elements=["customer_id", "utm_id", "day", "function", "level"],
    set_={"count": _daily.c.count + insert(_daily).excluded.count},
)


def _lower(session: Session, utm: Utm, alerts: Sequence[Any], *, version: int) -> None:
    """Change alerts from High to Low, and the daily counts with them.

    :param version: the version of the policy that decided so.
    """
    if not alerts:
        return
    session.execute(
        _LOWER,
        [
            {
                "customer": utm.customer_id,
                "utm": utm.id,
                "at": alert.occurred_at,
                "key": alert.alert_id,
                "by_version": version,
            }
            for alert in sorted(alerts, key=lambda alert: (alert.occurred_at, alert.alert_id))
        ],
    )
    of_utm = {"tenant_id": utm.tenant_id, "customer_id": utm.customer_id, "utm_id": utm.id}
    counts = Counter((clock.tokyo_day(alert.occurred_at), alert.function) for alert in alerts)
    # In the order in which storing alerts updates them, to avoid deadlocks.
    session.execute(
        _COUNT,
        [
            of_utm | {"day": day, "function": function, "level": level.value, "count": sign * count}
            for (day, function), count in sorted(counts.items())
            for level, sign in ((AlertLevel.HIGH, -1), (AlertLevel.LOW, 1))
        ],
    )


def _listed(alerts: Sequence[Any], count: int) -> str:
    """Return the text of the alerts in a mail: a line for each, and how many more there are.

    What a UTM sent may hold anything: it is shortened to a visible part in one line.
    """
    lines = [_line(alert) for alert in alerts]
    if count > len(lines):
        lines.append(f"ほか {count - len(lines):,} 件")
    return "\n".join(lines)


def _line(alert: Any) -> str:
    threat = one_line(visible(one_line(alert.threat or "")))
    if len(threat) > _LONGEST_THREAT:
        threat = f"{threat[: _LONGEST_THREAT - 1]}…"
    action = one_line(visible(one_line(ACTION_LABELS.get(alert.action, alert.action))))
    parts = (clock.screen_time(alert.occurred_at), FUNCTION_LABELS[alert.function], threat or "-", action or "-")
    return " | ".join(parts)
