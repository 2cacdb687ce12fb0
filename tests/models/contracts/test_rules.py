"""Making and changing contracts, and recording deliveries (§7.5, §7.7)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from models import clock
from models.actor import SYSTEM
from models.contracts import rules
from models.contracts.contract import SHIPPING, Contract
from models.contracts.rules import LineValues
from models.customers.customer import Customer
from models.errors import NOTHING_CHANGED, Conflict, DomainError
from tests.models.contracts.conftest import NOW, TODAY

ADDRESS = dict.fromkeys(SHIPPING, "") | {"ship_company": "送付先", "ship_phone": "0123456789"}


def values(deals, **more):
    return {
        "product_id": deals.product.id,
        "start_on": TODAY,
        "initial_months": 12,
        "renewal_months": 25,
        "memo1": "めも",
        "ships_utm": False,
        "utm_id": "a0b1c2d3e4f5",
        "lines": [LineValues(deals.plan.id, 2, Decimal(6600))],
        **more,
    }


@pytest.fixture
def create(deals):
    def create(**more):
        with deals.in_tenant(deals.tenant.id) as session:
            customer = session.get(Customer, deals.customer.id)
            made = rules.create(session, customer, values(deals, **more), now=NOW, by=SYSTEM)
            number = made.id
            session.commit()
        deals.make.session.expire_all()
        return deals.make.session.get(Contract, number)

    return create


def change(deals, contract, version=1, **changed):
    deals.run(rules.change, contract, changed, version=version, now=NOW, by=SYSTEM)


def refused(call):
    with pytest.raises(DomainError) as error:
        call()
    return error.value.message, error.value.field


# Making


def test_a_new_contract_has_its_terms_and_lines(deals, create):
    made = create(start_on=date(2026, 12, 31), initial_months=2)

    assert (made.term_end_on, made.end_on) == (date(2027, 2, 27), date(2027, 2, 27))
    assert (made.status, made.renewals, made.auto_renew) == ("active", 0, True)
    (line,) = made.lines
    assert (line.quantity, line.unit_price, line.starts_on) == (2, 6600, date(2026, 12, 31))
    assert (made.ships_utm, made.utm_id) == (False, "a0b1c2d3e4f5")


def test_what_does_not_apply_is_not_kept(deals, make, create):
    assert create(**ADDRESS).ship_company == ""
    sent = create(ships_utm=True, **ADDRESS)
    assert (sent.ship_company, sent.utm_id) == ("送付先", None)
    plain = make.product(includes_utm=False)
    line = LineValues(make.rate_plan(product=plain, price=100).id, 1, Decimal(100))
    made = create(product_id=plain.id, ships_utm=True, lines=[line], **ADDRESS)
    assert (made.ships_utm, made.utm_id, made.ship_company) == (None, None, "")


def test_the_price_is_free_only_where_the_plan_allows_it(deals, make, create):
    editable = make.rate_plan(product=deals.product, price=9000, price_editable=True)

    made = create(lines=[LineValues(editable.id, 1, Decimal(0))])

    assert made.lines[0].unit_price == 0


def test_the_lines_of_a_contract_have_a_highest_amount_that_every_invoice_holds(deals, create):
    """A contract above it stopped the invoices of its whole tenant: their columns hold 14 digits."""
    editable = deals.make.rate_plan(product=deals.product, name="年額", price_editable=True)
    line = LineValues(editable.id, 9, Decimal(9_999_999_999))
    fitting = line._replace(quantity=2, unit_price=Decimal(5_000_000_004))

    made = create(lines=[line, fitting])
    assert sum(each.quantity * each.unit_price for each in made.lines) == 99_999_999_999
    assert refused(lambda: create(lines=[line, line])) == (rules.TOO_HIGH, "lines")
    one_more = LineValues(editable.id, 1, Decimal(1))
    assert refused(lambda: change(deals, made, added=[one_more])) == (rules.TOO_HIGH, "lines")


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        (lambda _deals: {"start_on": TODAY - timedelta(days=1)}, (rules.STARTS_IN_THE_PAST, "start_on")),
        (lambda _deals: {"initial_months": 0}, (rules.NO_TERM, "initial_months")),
        (lambda _deals: {"renewal_months": 0}, (rules.NO_TERM, "renewal_months")),
        (lambda _deals: {"product_id": 999_999}, (rules.RETIRED_PRODUCT, "product_id")),
        (lambda _deals: {"ships_utm": None}, (rules.NEEDS_SHIPPING, "ships_utm")),
        (lambda _deals: {"lines": []}, (rules.NO_LINE, None)),
        (lambda deals: {"lines": [LineValues(deals.plan.id, 1, Decimal(6600))] * 21}, (rules.TOO_MANY_LINES, None)),
        (lambda deals: {"lines": [LineValues(deals.plan.id, 1, Decimal(1))]}, (rules.FIXED_PRICE, "lines")),
        (lambda deals: {"lines": [LineValues(deals.make.rate_plan(price=1).id, 1, Decimal(1))]}, "another product"),
        (lambda deals: {"lines": [LineValues(retired(deals).id, 1, Decimal(6600))]}, "retired"),
    ],
)
def test_what_is_not_allowed_is_refused_and_leaves_nothing(deals, create, more, refusal):
    given = more(deals)
    wanted = (rules.RETIRED_PLAN, "lines") if isinstance(refusal, str) else refusal

    assert refused(lambda: create(**given)) == wanted
    assert not deals.make.session.query(Contract).count()
    assert not deals.mails
    assert not deals.audited


def retired(deals):
    return deals.make.rate_plan(product=deals.product, retired_at=clock.utc_now())


def test_a_retired_product_and_a_deleted_customer_are_refused(deals, create):
    deals.product.retired_at = NOW
    deals.make.save(deals.product)
    assert refused(create) == (rules.RETIRED_PRODUCT, "product_id")

    deals.customer.deleted_at = NOW
    deals.make.save(deals.customer)
    assert refused(create) == (rules.CUSTOMER_DELETED, None)


def test_the_tenant_is_mailed_every_listed_field(deals, create):
    made = create()

    (mail,) = deals.mails
    assert (mail.kind, mail.recipient) == ("contract_made", "tsuchi@example.jp")
    assert mail.subject == "【見守りサービス】SMB セキュリティ商材契約のご案内"
    for line in (
        "サンプルパートナー 様",
        f"商品ID: {deals.product.id}\n",
        "商品名: 見守りサービス\n",
        f"テナントID: {deals.tenant.id}\n",
        f"顧客ID: {deals.customer.id}\n",
        f"契約番号: {made.id}\n",
        "契約開始日: 2026-11-20\n",
        "契約終了日: 2027-11-19\n",
        "更新期間: 2年 1ヵ月\n",
    ):
        assert line in mail.body, line


def test_the_audit_log_has_the_contract_with_its_lines(deals, create):
    made = create()

    (entry,) = deals.audited
    assert (entry.action, entry.subject_id, entry.tenant_id) == ("contract.created", made.id, deals.tenant.id)
    assert (entry.after["start_on"], entry.after["memo1"]) == ("2026-11-20", "***")
    (line,) = entry.after["lines"]
    assert line == {"id": made.lines[0].id, "rate_plan": "月額プラン", "quantity": 2, "unit_price": "6600"}


@pytest.mark.parametrize("start_on", [TODAY, TODAY + timedelta(days=90)])
def test_a_first_contract_makes_its_customer_active(deals, create, start_on):
    deals.customer.status = "draft"
    deals.make.save(deals.customer)

    create(start_on=start_on)

    assert deals.status == "active"


# Changing


def test_memos_and_the_shipping_address_change_without_a_mail(deals):
    contract = deals.contract(ships_utm=True)

    change(deals, contract, memo2="二", ship_company="送付先")

    assert (contract.memo2, contract.ship_company, contract.version) == ("二", "送付先", 2)
    (entry,) = deals.audited
    assert (entry.action, entry.before) == ("contract.changed", {"memo2": "", "ship_company": ""})
    assert entry.after == {"memo2": "***", "ship_company": "送付先"}
    assert not deals.mails


def test_lines_are_added_and_removed_from_today_on(deals):
    contract = deals.contract(quantity=2)
    (old,) = contract.lines

    change(deals, contract, added=[LineValues(deals.plan.id, 3, Decimal(6600))], removed=[old.id])

    assert old.ends_on == TODAY - timedelta(days=1)
    (new,) = contract.present_lines
    assert (new.quantity, new.starts_on) == (3, TODAY)
    (entry,) = deals.audited
    assert [line["quantity"] for line in entry.before["lines"]] == [2]
    assert [line["quantity"] for line in entry.after["lines"]] == [3]
    assert contract.version == 2


def test_a_line_that_was_never_in_force_goes_without_a_trace(deals):
    contract = deals.contract(start_on=TODAY + timedelta(days=5))
    deals.make.contract_line(contract=contract, rate_plan=deals.plan, quantity=7)

    change(deals, contract, removed=[contract.lines[-1].id])

    assert [line.quantity for line in contract.lines] == [1]


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({}, NOTHING_CHANGED),
        ({"memo1": ""}, NOTHING_CHANGED),
        ({"ship_company": "送付先なし"}, NOTHING_CHANGED),
        ({"removed": [999_999_999]}, NOTHING_CHANGED),
    ],
)
def test_a_change_of_nothing_is_refused(deals, changed, refusal):
    contract = deals.contract(ships_utm=False)

    assert refused(lambda: change(deals, contract, **changed)) == (refusal, None)
    assert not deals.audited


def test_what_a_contract_cannot_be_changed_to_is_refused(deals):
    contract = deals.contract(ships_utm=True, tracking_number="SLIP-1", **ADDRESS)
    line = LineValues(deals.plan.id, 1, Decimal(6600))

    assert refused(lambda: change(deals, contract, removed=[contract.lines[0].id])) == (rules.NO_LINE, None)
    assert refused(lambda: change(deals, contract, added=[line] * 20)) == (rules.TOO_MANY_LINES, None)
    assert refused(lambda: change(deals, contract, added=[line._replace(unit_price=1)])) == (rules.FIXED_PRICE, "lines")
    assert refused(lambda: change(deals, contract, ship_company="別の会社")) == (rules.SHIPPED, None)
    with pytest.raises(Conflict):
        change(deals, contract, version=7, memo1="変更")
    assert not deals.audited
    change(deals, contract, added=[line] * 19, **ADDRESS)
    assert len(contract.present_lines) == 20


@pytest.mark.parametrize("status", ["cancelled", "expired", "void"])
def test_only_an_active_contract_is_changed(deals, status):
    contract = deals.contract(status=status)

    assert refused(lambda: change(deals, contract, memo1="変更")) == (rules.NOT_ACTIVE, None)


# Deliveries


def deliver(deals, contract, version=1, arrival_on=None, tracking_number=""):
    given = {"arrival_on": arrival_on, "tracking_number": tracking_number}
    deals.run(rules.record_delivery, contract, given, version=version, now=NOW, by=SYSTEM)


def test_the_customers_contact_person_is_mailed_what_is_new_of_a_delivery(deals):
    contract = deals.contract(ships_utm=True)

    deliver(deals, contract, arrival_on=date(2026, 12, 1))
    deliver(deals, contract, version=2, arrival_on=date(2026, 12, 1), tracking_number="1234-5678")
    deliver(deals, contract, version=3)

    arrival, tracking = deals.mails
    assert (arrival.kind, arrival.recipient) == ("utm_arrival", "hanako@example.com")
    for line in ("株式会社テストABC\n", "青空 花子 様", f"契約番号: {contract.id}\n", "着荷予定日: 2026-12-01\n"):
        assert line in arrival.body
    assert (tracking.kind, tracking.recipient) == ("utm_tracking", "hanako@example.com")
    assert f"契約番号: {contract.id}\n伝票番号: 1234-5678\n" in tracking.body
    assert [entry.action for entry in deals.audited] == ["contract.delivery_recorded"] * 3
    assert (contract.arrival_on, contract.tracking_number) == (None, "")


def test_a_delivery_that_cannot_be_recorded_mails_nobody(deals):
    assert refused(lambda: deliver(deals, deals.contract(ships_utm=True))) == (NOTHING_CHANGED, None)
    for values in ({"ships_utm": False}, {"ships_utm": True, "status": "void"}):
        contract = deals.contract(**values)
        assert refused(lambda contract=contract: deliver(deals, contract, tracking_number="1")) == (
            rules.NOT_SHIPPED,
            None,
        )
    with pytest.raises(Conflict):
        deliver(deals, deals.contract(ships_utm=True), version=5, tracking_number="1")
    assert not deals.mails
    assert not deals.audited
