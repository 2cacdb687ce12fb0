"""Mail the High alerts of each UTM every five minutes (§7.17)."""

from __future__ import annotations

import time

from flask import current_app

from jobs.job import job
from jobs.problems import Problems
from models import clock
from models.alerts import alert_mail
from models.errors import N_
from models.operations.schedule import Entry, every
from models.scope import all_tenants, tenant_session

BUDGET = 60.0
"""Seconds after which a run leaves the other UTMs to the next run."""

SCHEDULE = (Entry("alert-mails", N_("Mail important alerts"), "jobs.alert_mails.send", every(5)),)


@job(entry="alert-mails")
def send() -> None:
    """Write the mails about the alerts that are due, in a transaction for each UTM.

    :raises Exception: the first error, after the other UTMs.
    """
    begun = time.monotonic()
    with all_tenants("alerts are mailed for every tenant") as session:
        waiting = alert_mail.waiting(session)
    problems = Problems()
    for tenant_id, utm_id in waiting:
        if time.monotonic() - begun > BUDGET:
            break
        with problems.kept("alerts of a UTM could not be mailed", utm=utm_id), tenant_session(tenant_id) as session:
            alert_mail.send(
                session,
                utm_id,
                customer_portal_url=current_app.config["CUSTOMER_PORTAL_URL"],
                list_url=list_url,
                now=clock.utc_now(),
            )
            session.commit()
    problems.raise_first()


def list_url(customer_id: str) -> str:
    """Return the URL of a customer's list of alerts, which requires signing in.

    Written out, because jobs do not know the screens; a test compares it with the route.
    """
    return f"{current_app.config['PORTAL_URL']}/customers/{customer_id}/alerts/"
