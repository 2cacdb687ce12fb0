"""The UTM IDs of contracts, which follow the UTMs that are exchanged or removed (§7.10)."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from models.actor import Actor
from models.contracts.contract import Contract, counting
from models.plain_rules import set_all
from models.row_lock import lock_all


def relink(session: Session, customer_id: str, utm_id: str, to: str, *, by: Actor) -> None:
    """Give the contracts of a customer that have a UTM ID another one, because the UTM was exchanged."""
    set_all(session, _linked(session, [(customer_id, utm_id)]), {"utm_id": to}, action="contract.changed", by=by)


def unlink(session: Session, utms: Iterable[tuple[str, str]], *, by: Actor) -> None:
    """Take the UTM IDs of removed UTMs out of the contracts of their customers.

    :param utms: the customer ID and the UTM ID of each.
    """
    set_all(session, _linked(session, utms), {"utm_id": None}, action="contract.changed", by=by)


def _linked(session: Session, utms: Iterable[tuple[str, str]]) -> list[Contract]:
    pairs = list(utms)
    if not pairs:
        return []
    ids = session.scalars(
        select(Contract.id).where(counting(), tuple_(Contract.customer_id, Contract.utm_id).in_(pairs))
    ).all()
    return list(lock_all(session, Contract, ids).values())
