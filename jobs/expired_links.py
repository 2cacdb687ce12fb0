"""Links and sessions whose time has long been over."""

from __future__ import annotations

from jobs.job import job
from models import clock
from models.accounts import password_link, user_session
from models.notifications import address_rules
from models.scope import all_tenants


@job(entry="old-links")
def remove_old() -> None:
    """Remove the links that confirm notification addresses (§5.4.2) or set passwords, and the sessions of people who
    were signed in, once nobody will ask any more what became of them.
    """
    now = clock.utc_now()
    with all_tenants("the time is the same for every tenant") as session:
        address_rules.remove_old(session, now=now)
        password_link.remove_old(session, now=now)
        user_session.remove_old(session, now=now)
        session.commit()
