from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from models.actor import SYSTEM
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.errors import Conflict, DomainError, Gone


def refusal(make, customer, today):
    refused = customer_rules.refusal_to_delete(customer, today=today)
    return refused and (refused.message % refused.values)


def later(day: str) -> str:
    return f"The customer can be deleted from {day}."


def test_a_customer_without_utm_or_contract_can_be_deleted(make):
    assert refusal(make, make.customer(), date(2026, 11, 22)) is None


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (date(2026, 8, 31), later("2026-09-05")),
        (date(2026, 9, 1), later("2026-09-05")),
        (date(2026, 9, 4), later("2026-09-05")),
        (date(2026, 9, 5), None),
    ],
)
def test_deleting_waits_for_the_5th_of_the_month_after_the_last_contract(make, today, told):
    customer = make.customer()
    make.contract(customer_row=customer, start_on=date(2024, 1, 1), end_on=date(2024, 12, 31), status="expired")
    make.contract(customer_row=customer, start_on=date(2025, 9, 1), end_on=date(2026, 8, 31), status="cancelled")

    assert refusal(make, customer, today) == told


def test_the_last_day_of_december_waits_for_january(make):
    customer = make.customer()
    make.contract(customer_row=customer, start_on=date(2025, 1, 1), end_on=date(2025, 12, 31), status="cancelled")

    assert refusal(make, customer, date(2026, 1, 4)) == later("2026-01-05")
    assert refusal(make, customer, date(2026, 1, 5)) is None


def test_a_contract_that_goes_on_stands_in_the_way_without_a_day(make):
    customer = make.customer()
    make.contract(customer_row=customer, start_on=date(2025, 9, 1), end_on=date(2026, 8, 31), status="active")

    assert refusal(make, customer, date(2026, 8, 31)) == customer_rules.HAS_CONTRACT


def test_a_contract_that_is_renewed_stands_in_the_way_before_the_nightly_run_has_renewed_it(make):
    customer = make.customer()
    make.contract(customer_row=customer, start_on=date(2025, 9, 1), end_on=date(2026, 8, 31), status="active")

    assert refusal(make, customer, date(2026, 10, 5)) == customer_rules.HAS_CONTRACT


def test_a_void_contract_does_not_count(make):
    customer = make.customer()
    make.contract(customer_row=customer, start_on=date(2026, 1, 1), end_on=date(2026, 12, 31), status="void")

    assert refusal(make, customer, date(2026, 11, 22)) is None


def test_a_utm_stands_in_the_way_until_it_is_removed(make):
    customer, utm = make.customer_with_utm(make.tenant())
    assert refusal(make, customer, date(2040, 1, 5)) == customer_rules.HAS_UTM

    utm.removed_at = datetime(2026, 11, 1, tzinfo=UTC)
    for contract in customer.contracts:
        contract.status = "expired"
    make.session.commit()

    assert refusal(make, customer, date(2040, 1, 5)) is None


def test_deleting_twice_is_refused(make):
    customer = make.customer()
    first = datetime(2026, 11, 22, tzinfo=UTC)

    customer_rules.delete(make.session, customer, now=first, by=SYSTEM)
    make.session.commit()
    with pytest.raises(Gone):
        customer_rules.delete(make.session, customer, now=datetime(2026, 11, 23, tzinfo=UTC), by=SYSTEM)

    assert customer.deleted_at == first


def test_a_change_on_an_old_version_is_a_conflict(make):
    customer = make.customer()

    with pytest.raises(Conflict):
        customer_rules.change(make.session, customer, {"memo1": "x"}, version=customer.version - 1, by=SYSTEM)


def test_a_change_that_changes_nothing_is_refused(make):
    customer = make.customer()

    with pytest.raises(DomainError, match="at least one"):
        customer_rules.change(make.session, customer, {"name": customer.name}, version=customer.version, by=SYSTEM)


def test_every_change_raises_the_version(make):
    customer = make.customer()
    before = customer.version

    customer_rules.change(make.session, customer, {"memo1": "x"}, version=before, by=SYSTEM)
    make.session.commit()

    assert make.session.get(Customer, customer.id, populate_existing=True).version == before + 1
