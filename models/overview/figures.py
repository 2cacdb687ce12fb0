"""The figures of each tenant side by side: for the choice of a tenant (§4.2) and for NEC's overview of all tenants.

Each figure is one part of a single statement, so the number of statements does not depend on the number of tenants. The
conditions are those of the lists that the figures lead to.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, FromClause, Select, cast, exists, func, literal, null, select
from sqlalchemy.orm import Session

from models.alerts.alert import AlertDaily, AlertLevel
from models.alerts.cross_database import joinable, optional
from models.applications.application import OPEN_STATES, ServiceApplication
from models.applications.utm_application import UtmApplication, UtmApplicationState
from models.contracts.invoice import Invoice
from models.customers.customer import Customer
from models.mail.outbox import MailMessage, MailState
from models.tenants.tenant import Tenant
from models.utms.utm import Utm, UtmState, in_state


class Watched(NamedTuple):
    """The figures about the UTMs of a tenant.

    :ivar offline: the number of UTMs that are offline.
    :ivar alerts: the number of High alerts in the period; None if the database of the alerts is not available.
    """

    offline: int = 0
    alerts: int | None = 0


class TenantFigures(NamedTuple):
    """What waits for somebody in a tenant.

    :ivar applications: the number of service applications without a decision.
    :ivar alerts: the number of High alerts in the period; None if the database of the alerts is not available.
    :ivar utm_applications: the same for UTM applications.
    :ivar failed_mails: the number of mails that could not be sent.
    :ivar unpaid: the number of unpaid invoices.
    """

    id: str
    name: str
    offline: int
    alerts: int | None
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
    parts: dict[str, Any] = {"offline": _offline(now, online_for).where(Utm.tenant_id.in_(tenant_ids))}
    alerts = _alerts(session, days, AlertDaily.tenant_id.in_(tenant_ids))
    if alerts is None:
        found = {tenant_id: Watched(alerts=None) for tenant_id in tenant_ids}
    else:
        parts["alerts"] = select(alerts.c.tenant_id, alerts.c["count"])
    statements = [each.add_columns(literal(name)) for name, each in parts.items()]
    for tenant_id, count, name in session.execute(statements[0].union_all(*statements[1:])):
        found[tenant_id] = found.get(tenant_id, Watched())._replace(**{name: int(count)})
    return found


def of_all_tenants(
    session: Session, *, now: datetime, online_for: timedelta, days: tuple[date, date]
) -> list[TenantFigures]:
    """Return the figures of all tenants, in the order of their IDs; the parameters are those of ``watched``."""
    parts = [
        each.subquery() if isinstance(each, Select) else each
        for each in (
            _offline(now, online_for),
            _alerts(session, days),
            _counted(ServiceApplication, ServiceApplication.state.in_([each.value for each in OPEN_STATES])),
            _counted(UtmApplication, UtmApplication.state == UtmApplicationState.PENDING.value),
            # As a literal, so that the planner can match the partial index.
            _counted(MailMessage, MailMessage.state == literal(MailState.FAILED.value, literal_execute=True)),
            _counted(Invoice, Invoice.paid_on.is_(None)),
        )
    ]
    statement: Any = select(Tenant.id, Tenant.name, *(_or_zero(each) for each in parts))
    for each in parts:
        if each is not None:
            statement = statement.outerjoin(each, each.c.tenant_id == Tenant.id)
    return [TenantFigures(*row) for row in session.execute(statement.order_by(Tenant.id))]


def mails_of_no_tenant(session: Session) -> int:
    """Return the number of mails about no tenant that could not be sent.

    :param session: a cross-tenant session.
    """
    failed = MailMessage.state == literal(MailState.FAILED.value, literal_execute=True)
    return session.scalar(select(func.count()).where(failed, MailMessage.tenant_id.is_(None))) or 0


def _or_zero(part: FromClause | None) -> Any:
    return null() if part is None else cast(func.coalesce(part.c.count, 0), BigInteger)


def _counted(model: Any, *conditions: Any) -> Select[*tuple[Any, ...]]:
    """Select the number of rows of each tenant that meet conditions."""
    return select(model.tenant_id, func.count().label("count")).where(*conditions).group_by(model.tenant_id)


def _offline(now: datetime, online_for: timedelta) -> Select[*tuple[Any, ...]]:
    return _counted(Utm, Utm.removed_at.is_(None), in_state(UtmState.OFFLINE, now=now, online_for=online_for))


def _alerts(session: Session, days: tuple[date, date], *conditions: Any) -> FromClause | None:
    """Return the numbers of High alerts of the tenants that have any, to be joined, from the daily counts.

    Deleted customers are on no screen.

    :returns: None if the database of the alerts is not available.
    """
    high = AlertDaily.level == literal(AlertLevel.HIGH.value, literal_execute=True)
    # The deleted customers, because they are fewer than the others if they must be passed to another database.
    deleted = joinable(session, select(Customer.id).where(Customer.deleted_at.is_not(None)), "deleted")
    counted = (
        select(AlertDaily.tenant_id, func.sum(AlertDaily.count).label("count"))
        .where(AlertDaily.day.between(*days), high, ~exists().where(deleted.c.id == AlertDaily.customer_id))
        .where(*conditions)
        .group_by(AlertDaily.tenant_id)
    )
    with optional():
        return joinable(session, counted, "alerts")
    return None
