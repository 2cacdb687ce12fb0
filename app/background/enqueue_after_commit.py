"""Enqueue jobs right after a commit. This only saves time: the schedule starts the same jobs a little later."""

from __future__ import annotations

import logging

from flask import Flask, has_app_context
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session
from sqlalchemy.orm.session import SessionTransaction

from jobs import queues, worker_liveness
from jobs.queue_monitor import QueueMonitor
from jobs.schedule import declared
from models import after_commit
from models.operations import schedule
from views.operations import health

JOBS = {
    after_commit.MAIL: (queues.DEFAULT, "jobs.mail.send_due"),
    after_commit.SMS: (queues.DEFAULT, "jobs.sms.send_due"),
    after_commit.IMPORTS: (queues.DEFAULT, "jobs.imports.run_waiting"),
    after_commit.FORGOTTEN: (queues.DEFAULT, "jobs.password_requests.answer_waiting"),
}
"""The queue and the dotted path of the job for each topic."""

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Register the state of RQ and of the workers for the views, and the schedule.

    The listeners below apply to every session as soon as this module is imported.
    """
    app.extensions["queue_monitor"] = QueueMonitor(app.extensions["redis"])
    health.init_app(app, lambda: worker_liveness.read(app.extensions["redis"]))
    schedule.install(declared())


@event.listens_for(Session, "after_commit")
def _enqueue(session: Session) -> None:
    wanted = after_commit.take(session)
    if not wanted or not has_app_context():
        return
    for queue, job in sorted(JOBS[what] for what in wanted):
        try:
            queues.enqueue(queue, job)
        except RedisError as error:
            log.warning("job not enqueued", extra={"job": job, "error": type(error).__name__})


@event.listens_for(Session, "after_soft_rollback")
def _discard(session: Session, previous: SessionTransaction) -> None:
    if not previous.nested:
        after_commit.take(session)
