"""The bills that are shown before a contract is made are those that it will cost."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from models.actor import SYSTEM
from models.contracts import rules
from models.contracts.billing import charges
from models.contracts.contract import Contract
from models.contracts.preview import preview
from models.contracts.rules import LineValues

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


def values(*plans, start_on=date(2026, 12, 10)):
    return {
        "product_id": plans[0].product_id,
        "start_on": start_on,
        "initial_months": 6,
        "renewal_months": 12,
        "lines": [LineValues(plan.id, 2, plan.flat_price) for plan in plans],
    }


def test_the_preview_of_a_draft_shows_each_months_bill_and_the_terms(make, in_tenant):
    customer = make.customer()
    product = make.product(includes_utm=False)
    monthly = make.rate_plan(product=product, price=6600)
    make.charge(rate_plan=monthly, model="discount", unit_price=100, discount_months=1)
    once = make.rate_plan(product=product, price=30000, cycle="once")
    with in_tenant(customer.tenant_id) as session:
        found = preview(rules.draft(session, customer, values(monthly, once), today=date(2026, 11, 20)))

        assert not session.new
        assert not session.query(Contract).count()

    # December: 2 x 6,600 less 100 %, and 2 x 30,000 once.
    assert found.bills[0] == (date(2026, 12, 1), Decimal(60000))
    assert found.bills[1:] == [(date(2027, month, 1), Decimal(13200)) for month in range(1, 12)]
    assert (found.has_usage, found.term_end_on, found.renews_on) == (False, date(2027, 6, 9), date(2027, 6, 10))


def test_the_contract_that_is_made_costs_what_its_preview_showed(make, in_tenant):
    customer = make.customer()
    plan = make.rate_plan(product=make.product(includes_utm=False), cycle="yearly", price=120000)
    make.charge(rate_plan=plan, model="usage", unit_price=50)
    with in_tenant(customer.tenant_id) as session:
        shown = preview(rules.draft(session, customer, values(plan), today=date(2026, 11, 20)))
        made = rules.create(session, customer, values(plan), now=NOW, by=SYSTEM)

        assert shown.has_usage
        assert shown.bills[0] == (date(2026, 12, 1), Decimal(240000))
        assert [sum(each.amount for each in charges(made, month)) for month, _ in shown.bills] == [
            amount for _, amount in shown.bills
        ]
