"""The figures of each tenant side by side: for the choice of a tenant (§4.2) and for NEC's overview of all tenants.

Each figure is one part of a single statement, so the number of statements does not depend on the number of tenants. The
conditions are those of the lists that the figures lead to.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    Interval,
    Select,
    String,
    Subquery,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.orm import Session

from models.alerts.alert import AlertDaily, AlertLevel
from models.applications.application import OPEN_STATES, ServiceApplication
from models.applications.utm_application import UtmApplication, UtmApplicationState
from models.contracts.invoice import Invoice
from models.customers.customer import Customer
from models.mail.outbox import MailMessage, MailState
from models.prepared_statement import PreparedStatement, prepare
from models.tenants.tenant import Tenant
from models.utms.utm import Utm, UtmState, in_state


class Watched(NamedTuple):
    """The figures about the UTMs of a tenant.

    :ivar offline: the number of UTMs that are offline.
    :ivar alerts: the number of High alerts in the period.
    """

    offline: int = 0
    alerts: int = 0


class TenantFigures(NamedTuple):
    """What waits for somebody in a tenant.

    :ivar applications: the number of service applications without a decision.
    :ivar utm_applications: the same for UTM applications.
    :ivar failed_mails: the number of mails that could not be sent.
    :ivar unpaid: the number of unpaid invoices.
    """

    id: str
    name: str
    offline: int
    alerts: int
    applications: int
    utm_applications: int
    failed_mails: int
    unpaid: int


def watched(
    session: Session, tenant_ids: Collection[str], *, now: datetime, online_for: timedelta, days: tuple[date, date]
) -> dict[str, Watched]:
    """Return the figures about the UTMs of some tenants by tenant ID; a tenant without any is missing.

    :param session: a cross-tenant session.
    :param online_for: how long a UTM counts as online after its last call.
    :param days: the first and the last day in Asia/Tokyo on which alerts are counted.
    """
    found: dict[str, Watched] = {}
    if not tenant_ids:
        return found
    first, last = days
    values = {"tenants": list(tenant_ids), "now": now, "online_for": online_for, "first": first, "last": last}
    for tenant_id, count, name in _watched().run(session, values):
        found[tenant_id] = found.get(tenant_id, Watched())._replace(**{name: int(count)})
    return found


@cache
def _watched() -> PreparedStatement:
    """Return the prepared statement of ``watched``: who can enter several tenants sees it after each sign-in."""
    tenants = bindparam("tenants", type_=ARRAY(String))
    now, online_for = bindparam("now", type_=DateTime(timezone=True)), bindparam("online_for", type_=Interval)
    days = bindparam("first", type_=Date), bindparam("last", type_=Date)
    offline = _offline(now, online_for).where(Utm.tenant_id == any_(tenants))
    alerts = _alerts(days).where(AlertDaily.tenant_id == any_(tenants))
    return prepare(
        offline.add_columns(literal_column("'offline'")).union_all(alerts.add_columns(literal_column("'alerts'")))
    )


def of_all_tenants(
    session: Session, *, now: datetime, online_for: timedelta, days: tuple[date, date]
) -> list[TenantFigures]:
    """Return the figures of all tenants, in the order of their IDs; the parameters are those of ``watched``."""
    parts = [
        each.subquery()
        for each in (
            _offline(now, online_for),
            _alerts(days),
            _counted(ServiceApplication, ServiceApplication.state.in_([each.value for each in OPEN_STATES])),
            _counted(UtmApplication, UtmApplication.state == UtmApplicationState.PENDING.value),
            # As a literal, so that the planner can match the partial index.
            _counted(MailMessage, MailMessage.state == literal(MailState.FAILED.value, literal_execute=True)),
            _counted(Invoice, Invoice.paid_on.is_(None)),
        )
    ]
    statement: Any = select(Tenant.id, Tenant.name, *(_or_zero(each) for each in parts))
    for each in parts:
        statement = statement.outerjoin(each, each.c.tenant_id == Tenant.id)
    rows = session.execute(statement.order_by(Tenant.id))
    return [TenantFigures(tenant_id, name, *map(int, counts)) for tenant_id, name, *counts in rows]


def mails_of_no_tenant(session: Session) -> int:
    """Return the number of mails about no tenant that could not be sent.

    :param session: a cross-tenant session.
    """
    failed = MailMessage.state == literal(MailState.FAILED.value, literal_execute=True)
    return session.scalar(select(func.count()).where(failed, MailMessage.tenant_id.is_(None))) or 0


def _or_zero(part: Subquery) -> Any:
    return func.coalesce(part.c.count, 0)


def _counted(model: Any, *conditions: Any) -> Select[*tuple[Any, ...]]:
    """Select the number of rows of each tenant that meet conditions."""
    return select(model.tenant_id, func.count().label("count")).where(*conditions).group_by(model.tenant_id)


def _offline(now: Any, online_for: Any) -> Select[*tuple[Any, ...]]:
    return _counted(Utm, Utm.removed_at.is_(None), in_state(UtmState.OFFLINE, now=now, online_for=online_for))


def _alerts(days: tuple[Any, Any]) -> Select[*tuple[Any, ...]]:
    """Select the number of High alerts of each tenant, from the daily counts; deleted customers are on no screen."""
    # As a literal, so that the planner can match the partial index.
    high = AlertDaily.level == literal_column(f"'{AlertLevel.HIGH.value}'")
    return (
        select(AlertDaily.tenant_id, func.sum(AlertDaily.count).label("count"))
        .join(Customer, Customer.id == AlertDaily.customer_id)
        .where(AlertDaily.day.between(*days), high, Customer.deleted_at.is_(None))
        .group_by(AlertDaily.tenant_id)
    )
