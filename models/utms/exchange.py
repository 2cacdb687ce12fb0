"""Exchange a defective UTM for another one, which takes its place at the customer's site.

The new UTM is a row of its own, with its own UTM ID, token and alerts, and refers to the one it replaces
(``Utm.replaces_id``). Whatever compares or reports on a site over time follows this reference with :func:`chain`: the
alerts and counts of a UTM keep its key, and are never moved to another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from models import audit, clock
from models.actor import Actor
from models.contracts import utm_link
from models.errors import Gone
from models.row_lock import lock
from models.utms import utm as utms
from models.utms.utm import Utm

_EMAILS = tuple(f"{group}_email{number}" for group in ("customer", "desk", "report") for number in (1, 2, 3))

TAKEN_OVER = ("name", "postcode", "address", *_EMAILS)
"""The columns that the new UTM has from the one it replaces."""


def exchange(session: Session, old: Utm, values: Mapping[str, Any], *, now: datetime, by: Actor) -> Utm:
    """Register a UTM in place of another one of the same customer, and remove that one (§7.8, §7.10).

    The contract that has the UTM ID of the old one gets that of the new one.

    :param values: what differs: ``utm_id``, ``serial``, ``mac_address`` and ``delivery_status``.
    :returns: the new UTM.
    :raises Gone: the old one was removed or exchanged in the meantime.
    :raises DomainError: no contract allows it. A UTM ID or serial number that is taken is reported by the database; see
        ``models.utms.utm.register``.
    """
    # Of two concurrent calls, the second waits here and finds the UTM removed.
    lock(session, old)
    if old.removed_at is not None:
        raise Gone
    taken_over = {name: getattr(old, name) for name in TAKEN_OVER}
    new = utms.register(
        session,
        old.customer,
        {**taken_over, **values, "replaces_id": old.id},
        today=clock.tokyo_day(now),
        by=by,
    )
    # Before the removal, which unlinks the contract.
    utm_link.relink(session, old.customer_id, old.utm_id, new.utm_id, by=by)
    identity = ("utm_id", "serial")
    before, after = ({name: getattr(row, name) for name in identity} for row in (old, new))
    audit.record_all(session, "utm.exchanged", [audit.change(old, before, after)], by=by)
    utms.remove(session, old, now=now, by=by)
    return new


def chain(session: Session, utm: Utm) -> list[Utm]:
    """Return the UTMs that a UTM has replaced one after the other, the latest first."""
    earlier = select(Utm.id, Utm.replaces_id).where(Utm.id == utm.replaces_id).cte("earlier", recursive=True)
    before = aliased(Utm)
    earlier = earlier.union_all(select(before.id, before.replaces_id).join(earlier, before.id == earlier.c.replaces_id))
    # A UTM is always registered after the one it replaces.
    return list(session.scalars(select(Utm).join(earlier, earlier.c.id == Utm.id).order_by(Utm.id.desc())))
