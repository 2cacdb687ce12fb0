"""Exchange a defective UTM for another one, which takes its place at the customer's site.

The new UTM is a row of its own, with its own UTM ID, token and alerts, and refers to the one it replaces
(``Utm.replaces_id``). Reports and comparisons follow this reference with :func:`successors`: the alerts and counts of a
UTM keep its key, and are never moved to another one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


def successors(session: Session, customer_ids: Collection[str], *, before: datetime | None = None) -> dict[int, int]:
    """Return which UTM is now in the place of each exchanged UTM of some customers, by primary key.

    Reports count the alerts of an exchanged UTM for its successor, which takes over its history.

    :param before: ignore exchanges from this time on; None for none.
    """
    exchanged = select(Utm.replaces_id, Utm.id).where(
        Utm.customer_id.in_(customer_ids), Utm.replaces_id.is_not(None), *([Utm.created_at < before] if before else ())
    )
    following = {old: new for old, new in session.execute(exchanged) if old is not None}
    found = {}
    for old, new in following.items():
        last = new
        while last in following:
            last = following[last]
        found[old] = last
    return found


def chain(session: Session, utm: Utm) -> list[Utm]:
    """Return the UTMs that a UTM has replaced one after the other, the latest first."""
    earlier = select(Utm.id, Utm.replaces_id).where(Utm.id == utm.replaces_id).cte("earlier", recursive=True)
    before = aliased(Utm)
    earlier = earlier.union_all(select(before.id, before.replaces_id).join(earlier, before.id == earlier.c.replaces_id))
    # A UTM is always registered after the one it replaces.
    return list(session.scalars(select(Utm).join(earlier, earlier.c.id == Utm.id).order_by(Utm.id.desc())))
