"""Wakes up jobs after a commit. The wake-up is a courtesy: the timetable's sweep finds the same rows a little later."""

from __future__ import annotations

import logging

from flask import Flask, has_app_context
from redis.exceptions import RedisError
from sqlalchemy import event
from sqlalchemy.orm import Session
from sqlalchemy.orm.session import SessionTransaction

from jobs import queues
from jobs.board import Board
from jobs.schedule import declared
from models import after_commit
from models.operations import schedule

JOBS = {after_commit.MAIL: (queues.DEFAULT, "jobs.mail.send_due")}
"""What is woken up: the queue it waits in, and the job's dotted name."""

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Let the views see what RQ knows.

    The listeners below hear every session as soon as this module is imported.
    """
    app.extensions["job_board"] = Board(app.extensions["redis"])
    schedule.install(declared())


@event.listens_for(Session, "after_commit")
def _wake(session: Session) -> None:
    wanted = after_commit.take(session)
    if not wanted or not has_app_context():
        return
    for queue, job in sorted(JOBS[what] for what in wanted):
        try:
            queues.queue(queue).enqueue(job, **queues.LIMITS)
        except RedisError as error:
            log.warning("a job was not woken up", extra={"job": job, "error": type(error).__name__})


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: SessionTransaction) -> None:
    if not previous.nested:
        after_commit.take(session)
