"""The applications of a tenant that wait for a decision (§5.1 (3), (4))."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, literal, select, union_all
from sqlalchemy.orm import Session

from models.applications.application import ApplicationState, ServiceApplication
from models.applications.utm_application import UtmApplication, UtmApplicationState
from models.customers.customer import Customer


class Waiting(NamedTuple):
    """An application that waits for a decision.

    :ivar for_utm: whether it is an application for more UTMs.
    """

    for_utm: bool
    id: str
    company: str
    state: str
    applied_at: datetime


def service_applications(state: ApplicationState) -> ColumnElement[int]:
    """Return an SQL expression for the number of a tenant's service applications in a state."""
    return (
        select(func.count()).select_from(ServiceApplication).where(ServiceApplication.state == state).scalar_subquery()
    )


def utm_applications(state: UtmApplicationState) -> ColumnElement[int]:
    """Return an SQL expression for the number of a tenant's UTM applications in a state."""
    return select(func.count()).select_from(UtmApplication).where(UtmApplication.state == state).scalar_subquery()


def longest_waiting(session: Session, *, service: bool, for_utm: bool, limit: int) -> tuple[list[Waiting], int]:
    """Return the applications that have waited longest, and the number of all that wait.

    :param service: whether to include service applications.
    :param for_utm: whether to include UTM applications.
    """
    parts = []
    if service:
        open_states = (ApplicationState.PENDING, ApplicationState.HELD)
        columns = (ServiceApplication.company.label("company"), ServiceApplication.state, ServiceApplication.applied_at)
        parts.append(
            select(literal(False).label("for_utm"), ServiceApplication.id, *columns).where(
                ServiceApplication.state.in_(open_states)
            )
        )
    if for_utm:
        parts.append(
            select(
                literal(True),
                UtmApplication.id,
                Customer.name,
                UtmApplication.state,
                UtmApplication.applied_at,
            )
            .join(UtmApplication.customer)
            .where(UtmApplication.state == UtmApplicationState.PENDING)
        )
    if not parts:
        return [], 0
    both = union_all(*parts).subquery()
    rows = session.execute(select(both, func.count().over()).order_by(both.c.applied_at, both.c.id).limit(limit)).all()
    return [Waiting(*row[:-1]) for row in rows], rows[0][-1] if rows else 0
