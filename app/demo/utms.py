"""Register the demo's UTMs and store their alerts and statistics."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.demo import alerts, statistics, words
from app.demo.context import DemoContext
from app.demo.plan import UtmPlan
from app.demo.tenants import UTMS
from models.actor import COMMAND_LINE
from models.alerts import ingest as alert_ingest
from models.alerts import threat_stat_ingest
from models.customers.customer import Customer
from models.utms import device_token, exchange, utm
from models.utms.utm import Utm

Tokens = dict[str, str]
"""The tokens by UTM ID."""

_FIRMWARE = ("1.4.4", "1.4.4", "1.4.2")
_DELIVERED = "受領済"
_ON_ITS_WAY = "発送準備中"
_OF_THE_DEVICE = {"utm_id", "serial", "mac_address", "delivery_status"}
"""What a UTM does not take over from the one that it replaces."""


def make_utms(context: DemoContext, customer: Customer, plans: tuple[UtmPlan, ...]) -> tuple[Tokens, int]:
    """Register a customer's UTMs and store their alerts.

    :returns: the tokens of the UTMs that are not removed, and the number of stored alerts.
    """
    session, now = context.session, context.now
    tokens: Tokens = {}
    stored = 0
    made: dict[str, Utm] = {}
    for number, plan in enumerate(plans):
        values = _values(customer, plan, now)
        if number:
            # The first UTM is at the customer's address, the others are at other sites.
            site = words.place(context.pick)
            values |= {"postcode": site["postcode"], "address": f"{site['prefecture']}{site['address']}"}
        if plan.replaces:
            old = made[plan.replaces]
            own = {name: value for name, value in values.items() if name in _OF_THE_DEVICE}
            registered = exchange.exchange(session, old, own, now=now, by=COMMAND_LINE)
            del tokens[old.utm_id]
        else:
            registered = utm.register(session, customer, values, today=context.today, by=COMMAND_LINE)
        made[plan.key] = registered
        token = device_token.issue(session, registered, now=now, by=COMMAND_LINE)
        session.flush()
        stored += _store_activity(context, registered, plan)
        if plan.removed:
            utm.remove(session, registered, now=now, by=COMMAND_LINE)
        else:
            tokens[plan.utm_id] = token
    return tokens, stored


def reissue_tokens(session: Session, *, now: datetime) -> Tokens:
    """Issue new tokens to all demo UTMs that are not removed, and revoke the old ones."""
    known = [plan.utm_id for plan in UTMS]
    kept = session.scalars(select(Utm).where(Utm.utm_id.in_(known), Utm.removed_at.is_(None)).order_by(Utm.id))
    return {each.utm_id: device_token.issue(session, each, now=now, by=COMMAND_LINE) for each in kept}


def tidy(session: Session) -> None:
    """Drop the temporary table for incoming alerts.

    It lasts as long as its connection and belongs to the role that created it: here the cross-tenant role, elsewhere
    the app's own role. Neither role can use the other's table.
    """
    session.execute(text("DISCARD TEMP"))


def _values(customer: Customer, plan: UtmPlan, now: datetime) -> dict[str, object]:
    return {
        "utm_id": plan.utm_id,
        "name": plan.name,
        "serial": plan.serial,
        "postcode": customer.postcode,
        "address": f"{customer.prefecture}{customer.address}",
        "delivery_status": _ON_ITS_WAY if plan.last_seen is None else _DELIVERED,
        "mac_address": plan.mac.upper() if plan.mac_set else None,
        "customer_email1": customer.contact_email,
        "desk_email1": "desk@example.com",
        "report_email1": customer.contact_email,
        # A month after its customer was created, or yesterday for a UTM that was never seen.
        "created_at": now - timedelta(days=1) if plan.last_seen is None else customer.created_at + timedelta(days=30),
    }


def _store_activity(context: DemoContext, registered: Utm, plan: UtmPlan) -> int:
    """Record the UTM's heartbeat, store its alerts and statistics, and return the number of alerts."""
    if plan.last_seen is None:
        return 0
    pick, seen = context.pick, context.now - plan.last_seen
    utm.record_heartbeat(
        registered,
        now=seen,
        firmware=pick.choice(_FIRMWARE),
        ip_address=f"203.0.113.{pick.randint(2, 250)}",
        mac=plan.mac,
    )
    sender = alert_ingest.Sender(registered.tenant_id, registered.customer_id, registered.id)
    # Random numbers of their own: how many are taken depends on the weekday, and the rest of the demo must not.
    found = alerts.lines(random.Random(f"alerts {plan.key}"), plan.alerts, now=context.now, until=seen)  # nosec B311  # noqa: S311  (demo data, nothing secret)
    kept: dict[str, Any] = {"now": context.now, "retention_months": context.retention_months}
    receipt = alert_ingest.store(context.session, sender, enumerate(found, 1), **kept)
    if receipt.stored != plan.alerts:
        raise RuntimeError(f"Of {plan.alerts} alerts {receipt.stored} were stored: {receipt.rejected[:1]}")
    counted = statistics.lines(random.Random(plan.key), found)  # nosec B311  # noqa: S311  (demo data, nothing secret)
    told = threat_stat_ingest.store(context.session, sender, enumerate(counted, 1), **kept)
    if told.stored != len(counted):
        raise RuntimeError(f"Of {len(counted)} statistics {told.stored} were stored: {told.rejected[:1]}")
    return receipt.stored
