"""Figures of the whole service for ``/metrics``: UTMs, mails and scheduled jobs, counted over all tenants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from models.mail.outbox import MailMessage, MailState
from models.operations.schedule import ScheduledTask
from models.utms.utm import Utm, UtmState, in_state

TIMEOUT_MS = 2_000
"""The longest that each statement may take, in milliseconds."""


@dataclass(frozen=True, slots=True)
class TaskFigures:
    """The last run of an entry of the schedule, whose duration is None if it has never ended."""

    name: str
    finished_at: datetime | None
    failed: bool
    seconds: float | None
    overdue: float


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """The figures at one time.

    :ivar utms: the number of UTMs in each connection state.
    :ivar mails_waiting: the messages that are to be sent, also those that wait for another attempt.
    :ivar oldest_mail: seconds since the oldest of them was written; 0 if there is none.
    :ivar mails_failed: the messages that could not be sent.
    """

    utms: dict[str, int]
    mails_waiting: int
    oldest_mail: float
    mails_failed: int
    tasks: tuple[TaskFigures, ...]


def read(session: Session, *, now: datetime, online_for: timedelta) -> ServiceFigures:
    """Count everything with three statements.

    :param session: a cross-tenant session.
    :param online_for: how long a UTM counts as online after its last call.
    :raises sqlalchemy.exc.SQLAlchemyError: the database is unavailable or too slow.
    """
    session.execute(text(f"SET LOCAL statement_timeout = {TIMEOUT_MS}"))
    states = {state: in_state(state, now=now, online_for=online_for) for state in UtmState}
    utms = session.execute(
        select(*(func.count().filter(condition) for condition in states.values())).where(Utm.removed_at.is_(None))
    ).one()
    # Each has a partial index.
    waiting = select(func.count()).where(MailMessage.state == MailState.PENDING).scalar_subquery()
    oldest = select(func.min(MailMessage.created_at)).where(MailMessage.state == MailState.PENDING).scalar_subquery()
    failed = select(func.count()).where(MailMessage.state == MailState.FAILED).scalar_subquery()
    pending, since, given_up = session.execute(select(waiting, oldest, failed)).one()
    return ServiceFigures(
        dict(zip(map(str, states), utms, strict=True)),
        pending,
        max(0.0, (now - since).total_seconds()) if since is not None else 0.0,
        given_up,
        tuple(_task(each, now) for each in session.scalars(select(ScheduledTask).order_by(ScheduledTask.name))),
    )


def _task(task: ScheduledTask, now: datetime) -> TaskFigures:
    return TaskFigures(
        task.name,
        task.last_finished_at,
        task.last_error is not None,
        task.last_run_ms / 1000 if task.last_run_ms is not None else None,
        max(0.0, (now - task.next_run_at).total_seconds()),
    )
