"""End contracts: cancel them and undo that (§7.6.1, §7.6.3), void them, stop their renewal, and renew or expire them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit, clock, scope
from models.actor import Actor
from models.contracts import mails
from models.contracts.billing import monthly_amount
from models.contracts.catalogue import Cycle
from models.contracts.contract import Contract, ContractStatus
from models.contracts.invoicing import credit_contracts, take_billing_turn
from models.contracts.status import refresh_status
from models.contracts.terms import term_end, whole_months_between
from models.customers.rules import deletable_from
from models.errors import N_, DomainError, Gone
from models.plain_rules import set_all
from models.row_lock import lock, lock_all
from models.versioned import lock_version

PAST_DAY = N_("Enter today or a later day.")
NOT_ACTIVE = N_("Only an active contract can be cancelled.")
ENDS_BEFORE = N_("The contract is not renewed and ends on %(day)s. Enter that day or an earlier one.")
NO_FEE = N_("A cancellation fee can only be charged when every rate plan is billed monthly.")
NOT_CANCELLED = N_("Only a cancelled contract can be restored.")
NO_UTM = N_("A cancellation can only be undone for a product that includes a UTM.")
TOO_LATE_TO_UNDO = N_("A cancellation can only be undone until the end of the month of the cancellation date.")
ALREADY_VOID = N_("The contract is already void.")
AUTO_RENEWAL_IS_OFF = N_("Automatic renewal is already off.")

CREDIT_TEXT = "取消済契約 {contract} のご請求分の返金"
"""The text of the line that credits a void contract. Invoices are in Japanese regardless of the operator's language."""


class CancellationPreview(NamedTuple):
    """The consequences of cancelling a contract on a day.

    :ivar fee: the cancellation fee in yen; None if no fee can be charged.
    :ivar months: the number of months that the fee covers.
    :ivar undo_until: the last day on which the cancellation can be undone; None if it cannot be undone.
    :ivar deletable_from: the first day on which the customer can be deleted if it has no other contract.
    """

    last_day: date
    fee: Decimal | None
    months: int
    undo_until: date | None
    deletable_from: date


def preview(contract: Contract, last_day: date) -> CancellationPreview:
    """Return the consequences of cancelling a contract.

    :param last_day: the last day of service (契約解約日).
    """
    months = _months_left(contract, last_day)
    monthly = monthly_amount(contract, max(last_day, contract.start_on))
    undo_until = clock.next_month(last_day) - timedelta(days=1) if contract.product.includes_utm else None
    return CancellationPreview(
        last_day,
        monthly * months if may_charge_fee(contract) else None,
        months,
        undo_until,
        deletable_from(last_day),
    )


def may_charge_fee(contract: Contract) -> bool:
    """Return whether a cancellation fee can be charged, which requires that every line is billed monthly."""
    return all(line.rate_plan.cycle == Cycle.MONTHLY for line in contract.present_lines)


def refusal_to_cancel(contract: Contract) -> DomainError | None:
    """Return the reason why a contract cannot be cancelled; None if it can."""
    return None if contract.status == ContractStatus.ACTIVE else DomainError(NOT_ACTIVE)


def cancel(  # noqa: PLR0913  (needs the time in addition to what every change needs)
    session: Session, contract: Contract, last_day: date, *, charge_fee: bool, version: int, now: datetime, by: Actor
) -> None:
    """Cancel a contract and send mail to the tenant's notification addresses (§7.6.1, §7.6.2).

    :param last_day: the last day of service (契約解約日), today or later.
    :param charge_fee: whether the cancellation fee is billed.
    :raises Conflict: the contract was changed in the meantime.
    :raises DomainError: the contract is not active, the day is in the past or after the end of a contract without
        automatic renewal, or no fee can be charged.
    """
    lock_version(session, contract, version)
    if refusal := refusal_to_cancel(contract):
        raise refusal
    today = clock.tokyo_day(now)
    if last_day < today:
        raise DomainError(PAST_DAY, field="last_day")
    if not contract.auto_renew and last_day > contract.term_end_on:
        raise DomainError(ENDS_BEFORE, field="last_day", day=contract.term_end_on)
    if charge_fee and not may_charge_fee(contract):
        raise DomainError(NO_FEE, field="charge_fee")
    contract.cancellation_fee = preview(contract, last_day).fee if charge_fee else None
    if contract.auto_renew:
        _set_renewals(contract, _renewals_by(contract, last_day))
    contract.status, contract.end_on = ContractStatus.CANCELLED.value, last_day
    audit.record(session, "contract.cancelled", contract, by=by)
    refresh_status(session, today=today, customer_ids=[contract.customer_id])
    mails.contract_cancelled(session, contract, now=now)


def refusal_to_undo(contract: Contract, *, today: date) -> DomainError | None:
    """Return the reason why the cancellation of a contract cannot be undone; None if it can (§7.6.3).

    :param today: the day in Asia/Tokyo.
    """
    if contract.status != ContractStatus.CANCELLED:
        return DomainError(NOT_CANCELLED)
    if not contract.product.includes_utm:
        return DomainError(NO_UTM)
    return DomainError(TOO_LATE_TO_UNDO) if contract.end_on < clock.month_start(today) else None


def undo(session: Session, contract: Contract, *, now: datetime, by: Actor) -> None:
    """Undo the cancellation of a contract and send mail to the tenant's notification addresses (§7.6.3, §7.6.4).

    :raises DomainError: the cancellation cannot be undone; see :func:`refusal_to_undo`.
    """
    lock(session, contract)
    today = clock.tokyo_day(now)
    if refusal := refusal_to_undo(contract, today=today):
        raise refusal
    contract.status, contract.cancellation_fee = ContractStatus.ACTIVE.value, None
    contract.end_on = contract.term_end_on
    if contract.auto_renew:
        # The term of a cancelled contract is the one that includes its last day, which is not always the current term.
        _set_renewals(contract, _renewals_by(contract, today))
    else:
        _renew_or_expire(contract, today)
    audit.record(session, "contract.cancellation_undone", contract, by=by)
    refresh_status(session, today=today, customer_ids=[contract.customer_id])
    mails.cancellation_undone(session, contract, now=now)


def void(session: Session, contract: Contract, *, now: datetime, by: Actor) -> Decimal:
    """Void a contract that was created by mistake, and credit what was invoiced for it on the next invoice. Staff only.

    :returns: the credited amount in yen.
    :raises DomainError: it is already void.
    """
    return void_all(session, [contract], now=now, by=by)[contract.id]


def void_all(session: Session, contracts: Sequence[Contract], *, now: datetime, by: Actor) -> dict[str, Decimal]:
    """Void several contracts of a tenant, like :func:`void`.

    :returns: the credited amounts by contract ID.
    """
    if not contracts:
        return {}
    take_billing_turn(session, contracts[0].tenant_id)
    locked = lock_all(session, Contract, [contract.id for contract in contracts])
    for contract in contracts:
        if contract.id not in locked:
            raise Gone
        if not contract.counts:
            raise DomainError(ALREADY_VOID)
    set_all(session, contracts, {"status": ContractStatus.VOID.value}, action="contract.voided", by=by)
    credited = credit_contracts(session, {each: CREDIT_TEXT.format(contract=each.id) for each in contracts}, by=by)
    refresh_status(session, today=clock.tokyo_day(now), customer_ids=[each.customer_id for each in contracts])
    return credited


def stop_renewal(session: Session, contract: Contract, *, now: datetime, by: Actor) -> None:
    """Turn off the automatic renewal of an active contract, so that it expires at the end of its term. NEC staff only.

    :raises DomainError: the contract is not active, or its renewal is already off.
    """
    lock(session, contract)
    if contract.status != ContractStatus.ACTIVE:
        raise DomainError(NOT_ACTIVE)
    if not contract.auto_renew:
        raise DomainError(AUTO_RENEWAL_IS_OFF)
    # If its term has ended since the last nightly run, it is renewed first, and expires at the end of the new term.
    _renew_or_expire(contract, clock.tokyo_day(now))
    contract.auto_renew = False
    audit.record(session, "contract.renewal_stopped", contract, by=by)


def renew_and_expire(session: Session, *, today: date, by: Actor) -> int:
    """Renew or expire the active contracts whose term has ended, and refresh the status of all customers.

    It catches up on nights in which it did not run.

    :param today: the day in Asia/Tokyo.
    :returns: the number of contracts renewed or expired.
    """
    take_billing_turn(session, scope.own_tenant_id(session))
    past = session.scalars(
        select(Contract)
        .where(Contract.status == ContractStatus.ACTIVE, Contract.term_end_on < today)
        .order_by(Contract.id)
        .with_for_update(of=Contract)
        .execution_options(populate_existing=True)
    ).all()
    for contract in past:
        _renew_or_expire(contract, today)
        action = "contract.expired" if contract.status == ContractStatus.EXPIRED else "contract.renewed"
        audit.record(session, action, contract, by=by)
    refresh_status(session, today=today)
    return len(past)


def _renew_or_expire(contract: Contract, today: date) -> None:
    if contract.term_end_on >= today:
        return
    if not contract.auto_renew:
        contract.status = ContractStatus.EXPIRED.value
        return
    _set_renewals(contract, _renewals_by(contract, today))


def _set_renewals(contract: Contract, renewals: int) -> None:
    contract.renewals = renewals
    contract.term_end_on = contract.end_on = _term_end(contract, renewals)


def _renewals_by(contract: Contract, day: date) -> int:
    """Return the number of renewals of an automatically renewed contract up to a day in the past or future."""
    renewals = 0
    while _term_end(contract, renewals) < day:
        renewals += 1
    return renewals


def _term_end(contract: Contract, renewals: int) -> date:
    return term_end(contract.start_on, contract.initial_months, contract.renewal_months, renewals)


def _months_left(contract: Contract, last_day: date) -> int:
    """Return the number of whole months after the month of the last day, up to the end of the term that includes it."""
    until = _term_end(contract, _renewals_by(contract, last_day)) if contract.auto_renew else contract.term_end_on
    # If the contract has not started, the months before its start do not count.
    return whole_months_between(max(last_day, contract.start_on - timedelta(days=1)), until)
