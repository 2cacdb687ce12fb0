"""Undo what an import wrote, provided that it has not changed since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models.actor import Actor
from models.contracts import ending
from models.contracts.contract import Contract, ContractStatus
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.errors import N_, DomainError
from models.imports.import_run import ImportRow, ImportRun, Outcome
from models.imports.writing import contract_facts
from models.row_lock import lock_all
from models.utms import utm as utm_rules
from models.utms.rules import change_all as change_utms
from models.utms.utm import Utm

CHANGED_SINCE = N_("It has changed since the import.")


def changed_since(session: Session, run: ImportRun) -> list[int]:
    """Return the numbers of the rows of an import whose customer, contract or UTM has changed since.

    A customer created by the import has also changed if a contract or UTM was added to it.
    """
    facts = session.execute(
        select(ImportRow.number, ImportRow.written)
        .where(ImportRow.run_id == run.id, ImportRow.outcome == Outcome.WRITTEN.value)
        .order_by(ImportRow.number)
    ).all()
    ids = [each["customer"]["id"] for _, each in facts if "customer" in each]
    customers = {
        row.id: row for row in session.execute(select(Customer.id, Customer.version).where(Customer.id.in_(ids)))
    }
    contracts = _by_id(session, Contract, [each["contract"]["id"] for _, each in facts if "contract" in each])
    utms = _by_id(session, Utm, [each["utm"]["id"] for _, each in facts if "utm" in each])
    created = [each["customer"]["id"] for _, each in facts if each.get("customer", {}).get("created")]
    grown = set(
        session.scalars(
            select(Contract.customer_id).where(
                Contract.customer_id.in_(created),
                Contract.id.not_in(list(contracts)),
                Contract.status != ContractStatus.VOID.value,
            )
        )
    ) | set(
        session.scalars(
            select(Utm.customer_id).where(
                Utm.customer_id.in_(created), Utm.id.not_in(list(utms)), Utm.removed_at.is_(None)
            )
        )
    )
    changed = []
    for number, each in facts:
        of = each.get("customer")
        as_left = (
            (of is None or (_has_version(customers, of) and of["id"] not in grown))
            and ("contract" not in each or _is_same(contracts.get(each["contract"]["id"]), each["contract"]))
            and ("utm" not in each or _as_left(utms.get(each["utm"]["id"]), each["utm"]))
        )
        if not as_left:
            changed.append(number)
    return changed


def take_back(session: Session, rows: Sequence[ImportRow], *, now: datetime, by: Actor) -> None:
    """Undo what rows wrote: remove UTMs, void contracts, delete customers, or restore the previous values.

    :raises DomainError: something has changed since, or a customer cannot be deleted.
    """
    facts = [row.written or {} for row in rows]
    _take_back_utms(session, [each["utm"] for each in facts if "utm" in each], now=now, by=by)
    contracts = {each["contract"]["id"]: each["contract"] for each in facts if "contract" in each}
    locked = lock_all(session, Contract, contracts, load=(selectinload(Contract.lines),))
    if not all(_is_same(locked.get(key), fact) for key, fact in contracts.items()):
        raise DomainError(CHANGED_SINCE)
    ending.void_all(session, list(locked.values()), now=now, by=by)
    session.flush()
    _take_back_customers(session, [each["customer"] for each in facts if "customer" in each], now=now, by=by)


def _take_back_utms(session: Session, facts: Sequence[dict[str, Any]], *, now: datetime, by: Actor) -> None:
    locked = lock_all(session, Utm, [fact["id"] for fact in facts], load=(selectinload(Utm.tokens),))
    if not all(_as_left(locked.get(fact["id"]), fact) for fact in facts):
        raise DomainError(CHANGED_SINCE)
    utm_rules.remove_all(session, [locked[fact["id"]] for fact in facts if fact["created"]], now=now, by=by)
    changed = [(locked[fact["id"]], fact["before"]) for fact in facts if not fact["created"]]
    change_utms(session, changed, by=by)


def _take_back_customers(session: Session, facts: Sequence[dict[str, Any]], *, now: datetime, by: Actor) -> None:
    locked = lock_all(session, Customer, [fact["id"] for fact in facts])
    for fact in facts:
        if not _has_version(locked, fact) or locked[fact["id"]].deleted_at is not None:
            raise DomainError(CHANGED_SINCE)
    customer_rules.delete_all(session, [locked[fact["id"]] for fact in facts if fact["created"]], now=now, by=by)
    customer_rules.change_all(
        session,
        [(locked[fact["id"]], fact["before"], fact["version"]) for fact in facts if not fact["created"]],
        by=by,
    )


def _by_id(session: Session, model: Any, ids: list[Any]) -> dict[Any, Any]:
    if not ids:
        return {}
    wanted = select(model).where(model.id.in_(ids)).execution_options(populate_existing=True)
    if model is Contract:
        wanted = wanted.options(selectinload(Contract.lines))
    found = session.scalars(wanted).unique()
    return {row.id: row for row in found}


def _has_version(rows: dict[Any, Any], fact: dict[str, Any]) -> bool:
    row = rows.get(fact["id"])
    return row is not None and row.version == fact["version"]


def _is_same(contract: Contract | None, fact: dict[str, Any]) -> bool:
    return contract is not None and contract_facts(contract) == fact["facts"]


def _as_left(utm: Utm | None, fact: dict[str, Any]) -> bool:
    if utm is None or utm.removed_at is not None:
        return False
    return all(getattr(utm, name) == value for name, value in fact["after"].items())
