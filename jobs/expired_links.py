"""Delete old links, sessions and form keys."""

from __future__ import annotations

from jobs.job import job
from models import clock
from models.accounts import invitation_rules, password_link, user_session
from models.errors import N_
from models.notifications import address_rules
from models.operations import form_key
from models.operations.schedule import Entry, daily
from models.portal_users import rules as portal_user_rules
from models.scope import all_tenants
from models.tenants import idempotency

SCHEDULE = (
    Entry(
        "old-links",
        N_("Delete old links, sessions and form keys"),
        "jobs.expired_links.remove_old",
        daily(2, 30),
    ),
)


@job(entry="old-links")
def remove_old() -> None:
    """Delete expired links, for notification addresses (§5.4.2), passwords and portal users, old invitations, sessions and keys."""
    now = clock.utc_now()
    with all_tenants("retention is the same for every tenant") as session:
        address_rules.remove_old(session, now=now)
        password_link.remove_old(session, now=now)
        invitation_rules.remove_old(session, now=now)
        user_session.remove_old(session, now=now)
        form_key.remove_old(session, now=now)
        idempotency.remove_old(session, now=now)
        portal_user_rules.remove_old_links(session, now=now)
        session.commit()
