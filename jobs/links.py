"""Links whose time has long been over."""

from __future__ import annotations

from jobs.run import job
from models import clock, notification_rules
from models.scope import all_tenants


@job(entry="old-links")
def remove_old() -> None:
    """Remove the links that confirm notification addresses, once nobody will ask any more what became of them (§5.4.2)."""
    with all_tenants("the time is the same for every tenant") as session:
        notification_rules.remove_old(session, now=clock.utc_now())
        session.commit()
