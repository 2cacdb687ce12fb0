"""Mail links to users who have forgotten their password."""

from __future__ import annotations

from flask import current_app

from jobs.job import job
from models import clock
from models.accounts import password_request
from models.errors import N_
from models.operations.schedule import Entry, every
from models.scope import all_tenants

SCHEDULE = (
    Entry(
        "password-requests",
        N_("Mail links for forgotten passwords"),
        "jobs.password_requests.sweep",
        every(1),
        queue="default",
    ),
)


@job(quiet=True)
def answer_waiting() -> None:
    """Answer all waiting requests (§12)."""
    _answer_waiting()


@job(entry="password-requests", quiet=True)
def sweep() -> None:
    """Answer all waiting requests once a minute: those whose job after the commit was lost."""
    _answer_waiting()


def _answer_waiting() -> None:
    with all_tenants("users do not belong to a tenant") as session:
        while password_request.answer_next(session, portal_url=current_app.config["PORTAL_URL"], now=clock.utc_now()):
            session.commit()
