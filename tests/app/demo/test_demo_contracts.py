"""The contracts, prices and invoices of the demo."""

from __future__ import annotations

from collections import Counter
from datetime import date

from sqlalchemy import select, text

from models import clock
from models.contracts.catalogue import RatePlan
from models.contracts.contract import Contract
from models.contracts.invoice import Invoice, InvoiceLine
from models.contracts.terms import term_end
from models.customers.customer import Customer


def test_customers_of_every_status_agree_with_their_contracts(demo):
    customers = demo.scalars(select(Customer).where(Customer.deleted_at.is_(None)).order_by(Customer.id)).all()

    assert Counter((each.tenant_id, each.status) for each in customers) == {
        ("T8000000", "active"): 31,
        ("T8000000", "cancelled"): 4,
        ("T8000000", "draft"): 5,
        ("T8000001", "active"): 3,
        ("T8000001", "draft"): 1,
    }
    today = _today(demo)
    for each in customers:
        last_days = [contract.end_on for contract in each.contracts if contract.counts]
        expected = "draft" if not last_days else "active" if max(last_days) >= today else "cancelled"
        assert (each.id, each.status) == (each.id, expected)
    assert len(customers[2].name) == 40
    assert any(each.memo1 for each in customers)


def test_contracts_of_every_kind_are_there(demo):
    today = _today(demo)
    kinds = Counter()
    for each in demo.scalars(select(Contract)):
        when = "to come" if each.start_on > today else "in force" if each.end_on >= today else "ended"
        kinds[each.status, when] += 1

    assert kinds == {
        ("active", "in force"): 31,
        ("void", "in force"): 1,
        ("active", "to come"): 2,
        ("cancelled", "in force"): 2,
        ("cancelled", "ended"): 3,
        ("expired", "ended"): 2,
    }


def test_every_contract_has_the_lines_terms_and_fees_that_the_rules_would_have_left(demo):
    today = _today(demo)
    contracts = demo.scalars(select(Contract).order_by(Contract.id)).all()

    for each in contracts:
        assert each.lines
        assert each.present_lines
        assert each.term_end_on == term_end(each.start_on, 12, 12, each.renewals)
        assert (each.ships_utm is None) == (not each.product.includes_utm)
        if each.status in {"active", "expired"}:
            assert (each.end_on, each.cancellation_fee) == (each.term_end_on, None)
        if each.status == "active":
            assert each.end_on >= today
    assert sum(len(each.present_lines) < len(each.lines) for each in contracts) == 2
    assert sum(each.renewals > 0 for each in contracts) > 5
    assert sum((each.cancellation_fee or 0) > 0 for each in contracts) >= 2
    assert sum(each.utm_id is not None for each in contracts) == 8
    (sent,) = (each for each in contracts if each.tracking_number)
    assert (sent.ships_utm, sent.arrival_on > today, sent.ship_name) == (True, True, sent.customer.contact_name)


def test_the_catalogue_has_plans_of_each_cycle_with_prices_of_nec(demo):
    plans = demo.scalars(select(RatePlan).order_by(RatePlan.id)).all()
    assert [(each.product.includes_utm, each.name, each.cycle) for each in plans] == [
        (True, "月額プラン", "monthly"),
        (True, "年額プラン", "yearly"),
        (True, "初期設定", "once"),
        (False, "月額プラン", "monthly"),
    ]
    # The plan that §7.6 pictures.
    assert [(each.name, each.model, each.unit_price, each.discount_months) for each in plans[0].charges] == [
        ("基本メニュー", "flat", 6600, None),
        ("初月割引", "discount", 100, 1),
    ]
    assert all(each.wholesale_price(date(2026, 4, 1)) > 0 for each in plans)


def test_the_invoices_of_six_months_are_mostly_paid_and_balances_follow_from_them(demo):
    today = _today(demo)
    invoices = demo.scalars(select(Invoice)).all()

    months = {clock.months_before(today, number) for number in range(1, 7)}
    assert {each.month for each in invoices} == months
    assert all(each.issued_on == clock.next_month(each.month) for each in invoices)
    assert all(each.issued_on <= each.paid_on <= today for each in invoices if each.paid_on)
    open_ones = [each for each in invoices if each.paid_on is None]
    assert 0 < len(open_ones) < len(invoices) / 3
    kinds = set(demo.scalars(select(InvoiceLine.kind)))
    assert kinds == {"flat", "discount", "usage", "fee"}
    for customer in demo.scalars(select(Customer)):
        own = [each for each in invoices if each.customer_id == customer.id]
        assert customer.balance == sum(each.total for each in own if each.paid_on is None)
        assert customer.last_invoiced_on == max((each.issued_on for each in own), default=None)
    of_void = demo.scalars(select(InvoiceLine).join(Contract).where(Contract.status == "void")).all()
    assert of_void == []


def _today(session) -> date:
    return session.scalar(text("SELECT (clock_timestamp() AT TIME ZONE 'Asia/Tokyo')::date"))
