"""Delete the files that were sent with a form for a ticket and never used."""

from __future__ import annotations

from flask import current_app

from jobs.job import job
from models import clock
from models.errors import N_
from models.operations.schedule import Entry, daily
from models.scope import all_tenants
from models.tickets import ticket_file
from models.tickets.file_store import store_of

SCHEDULE = (
    Entry(
        "unused-ticket-files", N_("Delete unused files of tickets"), "jobs.tickets.remove_unused_files", daily(2, 45)
    ),
)


@job(entry="unused-ticket-files")
def remove_unused_files() -> None:
    """Delete the files that were sent more than a day ago and belong to no message (§11.2)."""
    with all_tenants("retention is the same for every tenant") as session:
        ticket_file.remove_unbound(session, store_of(current_app.config), now=clock.utc_now())
        session.commit()
