"""Contracts whose automatic renewal is off, around the end of their term."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from models.actor import SYSTEM
from models.contracts import ending, rules
from models.contracts.contract import Contract
from models.errors import DomainError

NOON = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


@pytest.fixture
def contract_until(make, in_tenant):
    """A contract of a month whose term ends on a day: ``contract_until(day, auto_renew=False)``."""
    with in_tenant(make.tenant().id) as session:
        customer = make.customer(tenant_id=session.info["tenant_scope"])

        def until(day: date, **values) -> Contract:
            start = date(2026, 10, day.day % 30 + 1)
            months = {"initial_months": 1, "renewal_months": 1}
            row = make.contract(customer_row=customer, start_on=start, end_on=day, **months, **values)
            make.contract_line(contract=row)
            return session.get_one(Contract, row.id)

        yield session, until


def test_it_cannot_be_cancelled_to_a_day_after_its_end(contract_until):
    session, until = contract_until
    contract = until(date(2026, 12, 15), auto_renew=False)
    more = {"charge_fee": False, "version": 1, "now": NOON, "by": SYSTEM}

    with pytest.raises(DomainError) as refused:
        ending.cancel(session, contract, date(2026, 12, 16), **more)
    ending.cancel(session, contract, date(2026, 12, 15), **more)

    assert (refused.value.field, refused.value.values) == ("last_day", {"day": date(2026, 12, 15)})


def test_switching_it_off_before_the_nightly_run_keeps_the_term_that_began(contract_until):
    session, until = contract_until
    contract = until(date(2026, 11, 27))

    ending.stop_renewal(session, contract, now=NOON, by=SYSTEM)

    assert (contract.end_on, contract.auto_renew) == (date(2026, 12, 27), False)


def test_it_cannot_be_changed_after_its_end_although_the_nightly_run_is_late(contract_until):
    session, until = contract_until
    contract = until(date(2026, 11, 27), auto_renew=False)

    with pytest.raises(DomainError, match="Only an active contract"):
        rules.change(session, contract, {"memo1": "新"}, version=1, now=NOON, by=SYSTEM)
