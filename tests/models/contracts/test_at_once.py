"""Several people at one contract, or at one customer's contracts, at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from models.actor import SYSTEM
from models.contracts import ending, rules
from models.contracts.contract import Contract
from models.errors import Conflict, DomainError
from tests.models.contracts.conftest import NOW, TODAY


def at_once(deals, *deeds):
    """Do each deed with its contract in a transaction of its own; return None or the error of each."""
    together = threading.Barrier(len(deeds))

    def run(deed):
        contract, call = deed
        with deals.in_tenant(deals.tenant.id) as session:
            row = session.get(Contract, contract.id)
            together.wait(timeout=30)
            try:
                call(session, row)
                session.commit()
            except (DomainError, Conflict) as error:
                return type(error)
        return None

    with ThreadPoolExecutor(len(deeds)) as pool:
        found = list(pool.map(run, deeds))
    deals.make.session.expire_all()
    return found


def cancel(session, row):
    ending.cancel(session, row, date(2026, 12, 31), charge_fee=True, version=1, now=NOW, by=SYSTEM)


def change(session, row):
    rules.change(session, row, {"memo1": "変更"}, version=1, now=NOW, by=SYSTEM)


def undo(session, row):
    ending.undo(session, row, now=NOW, by=SYSTEM)


def void(session, row):
    ending.void(session, row, now=NOW, by=SYSTEM)


def test_of_two_cancellations_one_is_done_and_mailed(deals):
    contract = deals.contract()

    found = at_once(deals, (contract, cancel), (contract, cancel))

    assert sorted(map(str, found)) == sorted(map(str, [None, Conflict]))
    assert [mail.kind for mail in deals.mails] == ["contract_cancelled"]
    assert [entry.action for entry in deals.audited] == ["contract.cancelled"]


def test_of_a_change_and_a_cancellation_the_second_is_told(deals):
    contract = deals.contract()

    found = at_once(deals, (contract, cancel), (contract, change))

    assert sorted(map(str, found)) == sorted(map(str, [None, Conflict]))
    assert (contract.status == "cancelled") != (contract.memo1 == "変更")


def test_a_cancellation_is_undone_once(deals):
    contract = deals.contract(status="cancelled")
    contract.end_on = TODAY
    deals.make.save(contract)

    found = at_once(deals, (contract, undo), (contract, undo))

    assert sorted(map(str, found)) == sorted(map(str, [None, DomainError]))
    assert [mail.kind for mail in deals.mails] == ["contract_cancellation_undone"]


def test_a_customer_whose_last_two_contracts_are_voided_at_once_has_none_left(deals):
    contracts = [deals.contract(), deals.contract()]

    assert at_once(deals, *((each, void) for each in contracts)) == [None, None]

    assert deals.status == "draft"
