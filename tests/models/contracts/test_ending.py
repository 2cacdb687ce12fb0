"""Cancelling contracts and undoing it, voiding, and automatic renewal (§7.6.1 to §7.6.4)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from models.actor import SYSTEM
from models.contracts import ending
from models.contracts.contract import Contract
from models.customers.rules import refusal_to_delete
from models.errors import Conflict, DomainError
from tests.models.contracts.conftest import NOW, TODAY


def noon(day):
    return datetime(day.year, day.month, day.day, 3, tzinfo=UTC)


def cancel(deals, contract, last_day, *, charge_fee=False, version=None, now=NOW):
    options = {"charge_fee": charge_fee, "version": version or contract.version, "now": now, "by": SYSTEM}
    deals.run(ending.cancel, contract, last_day, **options)


def undo(deals, contract, day=TODAY):
    deals.run(ending.undo, contract, now=noon(day), by=SYSTEM)


def refused(call):
    with pytest.raises(DomainError) as error:
        call()
    return error.value.message, error.value.field


# Cancelling


@pytest.mark.parametrize(
    ("last_day", "months"),
    [
        (date(2026, 11, 20), 4),
        (date(2026, 11, 30), 4),
        (date(2026, 12, 1), 3),
        (date(2027, 2, 28), 1),
        (date(2027, 3, 1), 0),
        (date(2027, 3, 31), 0),
        # In the next term, until 31 March 2028.
        (date(2027, 4, 1), 11),
        (date(2028, 3, 31), 0),
    ],
)
def test_the_fee_is_for_the_whole_months_left_of_the_term(deals, last_day, months):
    contract = deals.contract(quantity=2)

    cancel(deals, contract, last_day, charge_fee=True)

    assert (contract.status, contract.end_on) == ("cancelled", last_day)
    assert contract.cancellation_fee == months * 13200
    assert contract.term_end_on == date(2028 if last_day > date(2027, 3, 31) else 2027, 3, 31)


def test_a_contract_is_cancelled_before_it_starts(deals):
    contract = deals.contract(start_on=date(2027, 1, 15), end_on=date(2027, 7, 14), initial_months=6)

    cancel(deals, contract, TODAY, charge_fee=True)

    # Whole months after the day before the start, up to 14 July: February to June.
    assert (contract.end_on, contract.cancellation_fee) == (TODAY, 33000)


def test_without_a_fee_none_is_kept(deals):
    contract = deals.contract()

    cancel(deals, contract, TODAY)

    assert contract.cancellation_fee is None


def test_what_cannot_be_cancelled_is_refused_and_nobody_is_told(deals, make):
    contract = deals.contract()
    yesterday = TODAY - timedelta(days=1)

    assert refused(lambda: cancel(deals, contract, yesterday)) == (ending.PAST_DAY, "last_day")
    with pytest.raises(Conflict):
        cancel(deals, contract, TODAY, version=9)
    make.contract_line(contract=contract, rate_plan=make.rate_plan(product=deals.product, cycle="yearly"))
    assert refused(lambda: cancel(deals, contract, TODAY, charge_fee=True)) == (ending.NO_FEE, "charge_fee")
    for status in ("cancelled", "expired", "void"):
        other = deals.contract(status=status)
        assert refused(lambda other=other: cancel(deals, other, TODAY)) == (ending.NOT_ACTIVE, None)
    assert contract.status == "active"
    assert not deals.mails
    assert not deals.audited


def test_a_contract_that_is_not_renewed_is_not_cancelled_on_a_day_after_its_end(deals):
    contract = deals.contract(auto_renew=False)

    assert refused(lambda: cancel(deals, contract, date(2027, 4, 1))) == (ending.ENDS_BEFORE, "last_day")
    cancel(deals, contract, date(2027, 3, 31))
    assert contract.end_on == date(2027, 3, 31)


@pytest.mark.parametrize(("charge_fee", "fee"), [(True, "あり"), (False, "なし")])
def test_the_tenant_is_mailed_every_field_of_a_cancellation(deals, charge_fee, fee):
    contract = deals.contract()

    cancel(deals, contract, date(2026, 12, 31), charge_fee=charge_fee)

    (mail,) = deals.mails
    assert (mail.kind, mail.recipient) == ("contract_cancelled", "tsuchi@example.jp")
    assert mail.subject == "【見守りサービス】SMB セキュリティ商材解約のお知らせ"
    for line in (
        "サンプルパートナー 様",
        f"商品ID: {deals.product.id}\n",
        "商品名: 見守りサービス\n",
        f"テナントID: {deals.tenant.id}\n",
        f"顧客ID: {deals.customer.id}\n",
        f"契約番号: {contract.id}\n",
        "解約日: 2026-12-31\n",
        f"解約金: {fee}\n",
    ):
        assert line in mail.body, line


def test_a_cancellation_and_its_undoing_are_in_the_audit_log(deals):
    contract = deals.contract()

    cancel(deals, contract, date(2026, 12, 31), charge_fee=True)
    undo(deals, contract)

    done, undone = deals.audited
    assert (done.action, done.after["status"], done.after["end_on"]) == (
        "contract.cancelled",
        "cancelled",
        "2026-12-31",
    )
    assert (done.after["cancellation_fee"], done.before["status"]) == ("19800", "active")
    assert (undone.action, undone.after["status"]) == ("contract.cancellation_undone", "active")
    assert undone.before["cancellation_fee"] == "19800"


def test_the_customer_stays_active_until_the_last_day_is_over(deals):
    contract = deals.contract()

    cancel(deals, contract, TODAY)

    assert deals.status == "active"
    for today, status in ((TODAY, "active"), (TODAY + timedelta(days=1), "cancelled")):
        with deals.in_tenant(deals.tenant.id) as session:
            ending.renew_and_expire(session, today=today, by=SYSTEM)
            session.commit()
        assert deals.status == status


def test_the_preview_says_what_the_cancellation_does(deals, make):
    contract = deals.contract(quantity=3)
    make.session.refresh(contract)

    found = ending.preview(contract, date(2026, 12, 10))

    assert (found.last_day, found.fee, found.months) == (date(2026, 12, 10), Decimal(59400), 3)
    assert (found.undo_until, found.deletable_from) == (date(2026, 12, 31), date(2027, 1, 5))
    cancel(deals, contract, found.last_day, charge_fee=True)
    assert contract.cancellation_fee == found.fee
    assert ending.refusal_to_undo(contract, today=found.undo_until) is None
    assert ending.refusal_to_undo(contract, today=found.undo_until + timedelta(days=1)) is not None
    assert refusal_to_delete(contract.customer, today=found.deletable_from - timedelta(days=1)) is not None
    assert refusal_to_delete(contract.customer, today=found.deletable_from) is None


def test_the_preview_of_a_product_without_a_utm_or_monthly_plans(deals, make):
    product = make.product(includes_utm=False)
    contract = make.contract(customer_row=deals.customer, product=product)
    make.contract_line(contract=contract, rate_plan=make.rate_plan(product=product, cycle="once"))
    make.session.refresh(contract)

    found = ending.preview(contract, TODAY)

    assert (found.fee, found.undo_until) == (None, None)


# Undoing


@pytest.mark.parametrize(
    ("last_day", "day", "allowed"),
    [
        (date(2026, 11, 20), date(2026, 11, 30), True),
        (date(2026, 11, 20), date(2026, 12, 1), False),
        (date(2026, 11, 30), date(2026, 12, 1), False),
        (date(2026, 12, 1), date(2026, 12, 31), True),
        (date(2026, 12, 31), date(2027, 1, 1), False),
        (date(2027, 3, 31), TODAY, True),
    ],
)
def test_a_cancellation_is_undone_until_its_month_ends(deals, last_day, day, allowed):
    contract = deals.contract()
    cancel(deals, contract, last_day, charge_fee=True)

    if not allowed:
        assert refused(lambda: undo(deals, contract, day)) == (ending.TOO_LATE_TO_UNDO, None)
        assert contract.status == "cancelled"
        assert [mail.kind for mail in deals.mails] == ["contract_cancelled"]
        return
    undo(deals, contract, day)

    assert (contract.status, contract.cancellation_fee) == ("active", None)
    assert (contract.end_on, contract.term_end_on, contract.renewals) == (date(2027, 3, 31), date(2027, 3, 31), 0)


def test_undoing_after_the_end_of_the_term_renews_what_was_missed(deals):
    contract = deals.contract(start_on=date(2025, 11, 25), end_on=date(2026, 11, 24), renewal_months=1)
    cancel(deals, contract, TODAY)

    undo(deals, contract, date(2026, 11, 28))

    assert (contract.status, contract.renewals, contract.end_on) == ("active", 1, date(2026, 12, 24))


def test_undoing_a_cancellation_in_a_later_term_goes_back_to_the_present_one(deals):
    contract = deals.contract()
    cancel(deals, contract, date(2028, 1, 31))
    assert (contract.renewals, contract.term_end_on) == (1, date(2028, 3, 31))

    undo(deals, contract)

    assert (contract.renewals, contract.end_on) == (0, date(2027, 3, 31))


def test_undoing_without_automatic_renewal_lets_a_past_term_expire(deals):
    contract = deals.contract(start_on=date(2025, 11, 25), end_on=date(2026, 11, 24), auto_renew=False)
    cancel(deals, contract, TODAY)

    undo(deals, contract, date(2026, 11, 28))

    assert (contract.status, contract.end_on) == ("expired", date(2026, 11, 24))
    assert deals.status == "cancelled"


def test_only_cancelled_contracts_with_a_utm_are_restored(deals, make):
    for status in ("active", "expired", "void"):
        contract = deals.contract(status=status)
        assert refused(lambda contract=contract: undo(deals, contract)) == (ending.NOT_CANCELLED, None)
    plain = make.contract(
        customer_row=deals.customer, product=make.product(includes_utm=False), status="cancelled", end_on=TODAY
    )
    assert refused(lambda: undo(deals, plain)) == (ending.NO_UTM, None)
    assert not deals.mails
    assert not deals.audited


def test_the_tenant_is_mailed_every_field_of_an_undone_cancellation(deals):
    contract = deals.contract()
    cancel(deals, contract, TODAY)

    undo(deals, contract, date(2026, 11, 30))

    mail = deals.mails[-1]
    assert (mail.kind, mail.recipient) == ("contract_cancellation_undone", "tsuchi@example.jp")
    assert mail.subject == "【見守りサービス】SMB セキュリティ商材解約取消のお知らせ"
    for line in (
        "サンプルパートナー 様",
        f"商品ID: {deals.product.id}\n",
        "商品名: 見守りサービス\n",
        f"テナントID: {deals.tenant.id}\n",
        f"顧客ID: {deals.customer.id}\n",
        f"契約番号: {contract.id}\n",
        "解約取消日: 2026-11-30\n",
    ):
        assert line in mail.body, line


def test_undoing_makes_the_customer_active_again(deals):
    contract = deals.contract(status="cancelled")
    contract.end_on = date(2026, 11, 5)
    deals.make.save(contract)
    deals.customer.status = "cancelled"
    deals.make.save(deals.customer)

    undo(deals, contract)

    assert deals.status == "active"


# Voiding, and automatic renewal


def test_a_void_contract_counts_for_nothing(deals):
    contract = deals.contract()

    assert deals.run(ending.void, contract, now=NOW, by=SYSTEM) == 0

    assert contract.status == "void"
    assert deals.status == "draft"
    assert [entry.action for entry in deals.audited] == ["contract.voided"]
    assert not deals.mails
    assert refused(lambda: deals.run(ending.void, contract, now=NOW, by=SYSTEM)) == (ending.ALREADY_VOID, None)


def test_a_contract_whose_renewal_was_stopped_expires(deals):
    contract = deals.contract()

    deals.run(ending.stop_renewal, contract, now=NOW, by=SYSTEM)

    assert refused(lambda: deals.run(ending.stop_renewal, contract, now=NOW, by=SYSTEM)) == (
        ending.AUTO_RENEWAL_IS_OFF,
        None,
    )
    for today, status in ((date(2027, 3, 31), "active"), (date(2027, 4, 1), "expired")):
        with deals.in_tenant(deals.tenant.id) as session:
            ending.renew_and_expire(session, today=today, by=SYSTEM)
            session.commit()
        deals.make.session.expire_all()
        assert contract.status == status
    assert refused(lambda: deals.run(ending.stop_renewal, contract, now=NOW, by=SYSTEM)) == (ending.NOT_ACTIVE, None)
    assert [entry.action for entry in deals.audited] == ["contract.renewal_stopped", "contract.expired"]
    assert deals.make.session.get(Contract, contract.id).end_on == date(2027, 3, 31)
