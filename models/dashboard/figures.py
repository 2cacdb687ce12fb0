"""The figures of the dashboard's widgets, stored for each tenant (§5.1).

A job calculates them every hour, those of daily widgets once a day. A page calculates again what the users of the tenant
have changed since: every change is in the audit log, so a figure is outdated if the log has a later entry about
something it depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, ForeignKey, String, func, literal, null, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import clock, scope
from models.audit import AuditEntry
from models.db import Base
from models.scope import TenantScoped, tenant_session

PAGE_TIMEOUT = timedelta(seconds=2)
"""How long a page may calculate. Figures that take longer wait for the hourly job."""

TRY_AGAIN_AFTER = timedelta(minutes=5)
"""How long pages do not calculate figures that took too long."""

_LONGEST_CHANGE = timedelta(seconds=10)
"""How long before its commit a change can have been entered in the audit log, whose times are those of the first
statement. Within this time after a change, a figure cannot be known to contain it."""


class DashboardFigures(TenantScoped, Base):
    """The figures of a widget for a tenant, by name. ``failed_at`` is set while calculating them takes too long."""

    __tablename__ = "dashboard_figures"

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    widget: Mapped[str] = mapped_column(String(32), primary_key=True)
    values: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    computed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Source:
    """The declaration of the figures of a widget.

    :param widget: the name of the widget.
    :param values: returns an SQL expression for each figure, by name. Its argument is the day in Asia/Tokyo.
    :param subjects: the types of subjects of the audit log that the figures depend on.
    :param monthly: whether the figures are about the current month, so that they do not apply to the next one.
    :param daily: whether the figures are calculated once a day and never by a page.
    """

    widget: str
    values: Callable[[date], Mapping[str, Any]]
    subjects: Collection[str] = ()
    monthly: bool = False
    daily: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored figures of a widget.

    :ivar values: the figures by name; empty if they were never calculated, and for daily widgets.
    :ivar computed_at: when they were calculated; None if they never were.
    """

    values: Mapping[str, int]
    computed_at: datetime | None


NOTHING = Stored({}, None)

_sources: dict[str, Source] = {}


def install(sources: Iterable[Source]) -> None:
    """Register the sources of all widgets.

    :raises ValueError: two sources have the same name.
    """
    by_name: dict[str, Source] = {}
    for each in sources:
        if by_name.setdefault(each.widget, each) is not each:
            raise ValueError(f"Two widgets of the dashboard are named {each.widget}.")
    _sources.clear()
    _sources.update(by_name)


def refresh(session: Session, *, now: datetime, daily: bool) -> None:
    """Calculate and store the figures of the session's tenant for the hourly job, or those of daily widgets.

    A repeated run stores them again. Of two concurrent runs, the one that started later wins.
    """
    _store(session, [each for each in _sources.values() if each.daily == daily], now=now)


def current(session: Session, names: Collection[str], *, now: datetime) -> dict[str, Stored]:
    """Return the figures of widgets of the session's tenant, after calculating those that are outdated.

    :param names: the widgets, with or without a source.
    """
    wanted = [_sources[name] for name in names if name in _sources]
    rows = {row.widget: row for row in session.execute(_kept([each.widget for each in wanted]))}
    outdated = _outdated(session, wanted, rows, now=now)
    calculated = _calculate_for_page(scope.own_tenant_id(session), outdated, now=now) if outdated else {}
    found = {name: Stored(row.values or {}, row.computed_at) for name, row in rows.items()}
    return found | {name: Stored(values, now) for name, values in calculated.items()}


def _kept(names: Collection[str]) -> Any:
    """Return the query of stored figures; those of daily widgets can be long, and are read page by page."""
    daily = [name for name in names if _sources[name].daily]
    hourly = [name for name in names if not _sources[name].daily]
    columns = (DashboardFigures.widget, DashboardFigures.computed_at, DashboardFigures.failed_at)
    return (
        select(*columns, DashboardFigures.values)
        .where(DashboardFigures.widget.in_(hourly))
        .union_all(select(*columns, null().label("values")).where(DashboardFigures.widget.in_(daily)))
    )


def _outdated(session: Session, wanted: Iterable[Source], rows: Mapping[str, Any], *, now: datetime) -> list[Source]:
    hourly = [each for each in wanted if not each.daily]
    times = [rows[each.widget].computed_at for each in hourly if each.widget in rows]
    known = [moment for moment in times if moment is not None]
    changed = _changed_subjects(session, min(known) - _LONGEST_CHANGE) if known else {}

    def applies(source: Source) -> bool:
        row = rows.get(source.widget)
        if row is None:
            return False
        if row.failed_at is not None and row.failed_at > now - TRY_AGAIN_AFTER:
            return True
        if row.computed_at is None or (source.monthly and _month(row.computed_at) != _month(now)):
            return False
        since = row.computed_at - _LONGEST_CHANGE
        return all(changed[each] <= since for each in source.subjects if each in changed)

    return [each for each in hourly if not applies(each)]


def _changed_subjects(session: Session, since: datetime) -> dict[str, datetime]:
    """Return the types of subjects that were changed in the session's tenant after a time, each with its last time."""
    rows = session.execute(
        select(AuditEntry.subject_type, func.max(AuditEntry.at))
        .where(AuditEntry.tenant_id == scope.own_tenant_id(session), AuditEntry.at > since)
        .group_by(AuditEntry.subject_type)
    )
    return {subject: last for subject, last in rows}  # noqa: C416  (a row is no pair for the type checker)


def _calculate_for_page(tenant_id: str, sources: Collection[Source], *, now: datetime) -> dict[str, dict[str, Any]]:
    """Calculate and store figures in a transaction of its own, because requests that only read do not commit."""
    names = [each.widget for each in sources]
    try:
        with tenant_session(tenant_id) as session:
            session.connection().exec_driver_sql(
                f"SET LOCAL statement_timeout = {int(PAGE_TIMEOUT.total_seconds() * 1000)}"
            )
            calculated = _store(session, sources, now=now)
            session.commit()
    except OperationalError:
        with tenant_session(tenant_id) as session:
            _note_failure(session, names, now=now)
            session.commit()
        return {}
    return calculated


def _store(session: Session, sources: Collection[Source], *, now: datetime) -> dict[str, dict[str, Any]]:
    """Calculate figures with one statement, store them, and return them by widget."""
    if not sources:
        return {}
    today = clock.tokyo_day(now)
    labelled = [(each.widget, name, value) for each in sources for name, value in each.values(today).items()]
    row = session.execute(
        select(*(value.label(f"value_{place}") for place, (_, _, value) in enumerate(labelled)))
    ).one()
    calculated: dict[str, dict[str, Any]] = {each.widget: {} for each in sources}
    for (widget, name, _), value in zip(labelled, row, strict=True):
        calculated[widget][name] = value if isinstance(value, list) else int(value)
    tenant_id = scope.own_tenant_id(session)
    kept = insert(DashboardFigures).values(
        [
            {"tenant_id": tenant_id, "widget": widget, "values": values, "computed_at": now, "failed_at": None}
            # Always in the same order, so that concurrent runs do not lock the rows crosswise.
            for widget, values in sorted(calculated.items())
        ]
    )
    changed = {name: kept.excluded[name] for name in ("values", "computed_at", "failed_at")}
    older = func.coalesce(DashboardFigures.computed_at < kept.excluded.computed_at, literal(True))
    session.execute(kept.on_conflict_do_update(index_elements=["tenant_id", "widget"], set_=changed, where=older))
    return calculated


def _note_failure(session: Session, names: Iterable[str], *, now: datetime) -> None:
    """Note that calculating figures takes too long for a page."""
    tenant_id = scope.own_tenant_id(session)
    for name in sorted(names):
        kept = insert(DashboardFigures).values(tenant_id=tenant_id, widget=name, failed_at=now)
        session.execute(kept.on_conflict_do_update(index_elements=["tenant_id", "widget"], set_={"failed_at": now}))


def _month(moment: datetime) -> date:
    return clock.month_start(clock.tokyo_day(moment))
