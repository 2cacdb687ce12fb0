"""Create and change contracts, and record deliveries (§7.5, §7.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models import audit, clock
from models.actor import Actor
from models.contracts import mails
from models.contracts.catalogue import MAX_AMOUNT, Product, RatePlan
from models.contracts.contract import SHIPPING, Contract, ContractLine, ContractStatus
from models.contracts.status import refresh_status
from models.contracts.terms import term_end
from models.customers.customer import Customer
from models.errors import N_, NOTHING_CHANGED, DomainError, Gone
from models.row_lock import lock_all
from models.versioned import lock_version

MAX_LINES = 20
"""The maximum number of lines that a contract can have at a time."""

STARTS_IN_THE_PAST = N_("Enter today or a later day.")
NO_TERM = N_("Enter a term of 1 month or more.")
RETIRED_PRODUCT = N_("This product is no longer sold.")
RETIRED_PLAN = N_("This rate plan is no longer sold, or belongs to another product.")
FIXED_PRICE = N_("The unit price of this rate plan is fixed.")
NO_LINE = N_("Add at least one rate plan.")
TOO_HIGH = N_("Quantity × unit price of all rate plans together must not exceed 99,999,999,999 yen.")
TOO_MANY_LINES = N_("A contract can have at most 20 rate plans.")
NEEDS_SHIPPING = N_("Choose whether the UTM is to be sent.")
NOT_ACTIVE = N_("Only an active contract can be changed.")
SHIPPED = N_("The shipping address cannot be changed, because the UTM has been sent.")
NOT_SHIPPED = N_("No UTM is shipped with this contract.")
CUSTOMER_DELETED = N_("The customer has been deleted.")


class LineValues(NamedTuple):
    """A line that is added to a contract.

    :ivar unit_price: in yen.
    """

    rate_plan_id: int
    quantity: int
    unit_price: Decimal


def draft(session: Session, customer: Customer, values: Mapping[str, Any], *, today: date) -> Contract:
    """Return a new contract that is not added to the session. Its product and rate plans are locked against changes.

    :param values: the same as for :func:`create`.
    :param today: the day in Asia/Tokyo.
    :raises DomainError: a date, term, product, line or the delivery is not allowed.
    """
    return _draft(customer, values, _lock_catalogue(session, [values]), today=today)


def _draft(customer: Customer, values: Mapping[str, Any], catalogue: _Catalogue, *, today: date) -> Contract:
    if customer.deleted_at is not None:
        raise DomainError(CUSTOMER_DELETED)
    checked = _checked(values, catalogue.products.get(values["product_id"]), today)
    lines = checked.pop("lines")
    contract = Contract(tenant_id=customer.tenant_id, customer_id=customer.id, **checked)
    contract.term_end_on = term_end(contract.start_on, contract.initial_months, contract.renewal_months, 0)
    contract.end_on = contract.term_end_on
    contract.renewals, contract.auto_renew, contract.status = 0, True, ContractStatus.ACTIVE.value
    contract.lines = _new_lines(contract, lines, catalogue.plans, today=today)
    _check_amount(contract)
    return contract


def create(session: Session, customer: Customer, values: Mapping[str, Any], *, now: datetime, by: Actor) -> Contract:
    """Create a contract and send mail to the tenant's notification addresses (§7.5.4, §7.5.5).

    :param values: ``product_id``, ``start_on``, ``initial_months``, ``renewal_months``, the memos, ``ships_utm``, ``utm_id``,
        the columns of ``SHIPPING``, and ``lines``, a sequence of ``LineValues``.
    :raises DomainError: a date, term, product, line or the delivery is not allowed.
    """
    (contract,) = create_all(session, [(customer, values)], now=now, by=by)
    mails.contract_made(session, contract, now=now)
    return contract


def create_all(
    session: Session, created: Sequence[tuple[Customer, Mapping[str, Any]]], *, now: datetime, by: Actor
) -> list[Contract]:
    """Create several contracts without sending mail, for imports, which may create thousands of contracts.

    :param created: the customers with the values of their contracts; see :func:`create`.
    :raises DomainError: a date, term, product, line or the delivery is not allowed.
    """
    if not created:
        return []
    today = clock.tokyo_day(now)
    customer_ids = {customer.id for customer, _ in created}
    if lock_all(session, Customer, customer_ids).keys() != customer_ids:
        raise Gone
    catalogue = _lock_catalogue(session, [values for _, values in created])
    contracts = [_draft(customer, values, catalogue, today=today) for customer, values in created]
    session.add_all(contracts)
    changes = [audit.change_of(contract) for contract in contracts]
    session.flush()
    audit.record_all(session, "contract.created", map(_with_lines, changes), by=by)
    refresh_status(session, today=today, customer_ids=list(customer_ids))
    return contracts


def _with_lines(change: audit.Change) -> audit.Change:
    """Add the lines of a new contract, which have IDs after the flush."""
    return change._replace(after=(change.after or {}) | {"lines": [line_facts(line) for line in change.subject.lines]})


def change(  # noqa: PLR0913  (needs the time in addition to what every change needs)
    session: Session, contract: Contract, values: Mapping[str, Any], *, version: int, now: datetime, by: Actor
) -> None:
    """Change the memos, the shipping address and the lines of an active contract, effective today (§7.7).

    :param values: the memos and the columns of ``SHIPPING``; ``added``, a sequence of ``LineValues``, and ``removed``,
        the IDs of lines. Missing values remain unchanged.
    :param version: the contract's version when the user opened the form.
    :raises Conflict: the contract was changed in the meantime.
    :raises DomainError: nothing changes, the contract is not active, or a value is not allowed.
    """
    lock_version(session, contract, version)
    today = clock.tokyo_day(now)
    # Without renewal it ends after its last day, even if the nightly run has not marked it as expired yet.
    if contract.status != ContractStatus.ACTIVE or not (contract.auto_renew or today <= contract.term_end_on):
        raise DomainError(NOT_ACTIVE)
    added, removed = values.get("added", ()), set(values.get("removed", ()))
    shipping = {name: values[name] for name in SHIPPING if name in values and contract.ships_utm}
    if contract.tracking_number and any(getattr(contract, name) != value for name, value in shipping.items()):
        raise DomainError(SHIPPED)
    memos = {name: values[name] for name in ("memo1", "memo2", "memo3") if name in values}
    for name, value in (shipping | memos).items():
        if getattr(contract, name) != value:
            setattr(contract, name, value)
    before, after = audit.changes(contract)
    gone = [line for line in contract.present_lines if line.id in removed]
    if before is None and after is None and not gone and not added:
        raise DomainError(NOTHING_CHANGED)
    _check_number(len(contract.present_lines) - len(gone) + len(added))
    facts_of_gone = [line_facts(line) for line in gone]
    for line in gone:
        _end(contract, line, today=today)
    new = _new_lines(contract, added, _lock_plans(session, added), today=today) if added else []
    contract.lines.extend(new)
    if new:
        _check_amount(contract)
    if gone or new:
        # So that the version of the contract also changes when only its lines do.
        contract.version = contract.version + 1
        session.flush()
        before = (before or {}) | ({"lines": facts_of_gone} if gone else {})
        after = (after or {}) | ({"lines": [line_facts(line) for line in new]} if new else {})
    audit.record(session, "contract.changed", contract, by=by, before=before, after=after)


def record_delivery(  # noqa: PLR0913  (needs the time in addition to what every change needs)
    session: Session, contract: Contract, values: Mapping[str, Any], *, version: int, now: datetime, by: Actor
) -> None:
    """Record a UTM's arrival date and tracking number, and send mail to the customer about what changed. NEC staff only.

    :param values: ``arrival_on`` (or None) and ``tracking_number`` (or an empty string).
    :raises Conflict: the contract was changed in the meantime.
    :raises DomainError: nothing changes, or no UTM is shipped with the contract.
    """
    lock_version(session, contract, version)
    if not contract.ships_utm or not contract.counts:
        raise DomainError(NOT_SHIPPED)
    arrival = values["arrival_on"] != contract.arrival_on
    tracking = values["tracking_number"] != contract.tracking_number
    if not arrival and not tracking:
        raise DomainError(NOTHING_CHANGED)
    contract.arrival_on, contract.tracking_number = values["arrival_on"], values["tracking_number"]
    audit.record(session, "contract.delivery_recorded", contract, by=by)
    if arrival and contract.arrival_on:
        mails.arrival(session, contract, now=now)
    if tracking and contract.tracking_number:
        mails.tracking(session, contract, now=now)


class _Catalogue(NamedTuple):
    """The products and rate plans of new contracts by their IDs, locked against changes."""

    products: dict[int, Product]
    plans: dict[int, RatePlan]


def _lock_catalogue(session: Session, many: Sequence[Mapping[str, Any]]) -> _Catalogue:
    """Lock the products and rate plans of contracts with the given values.

    A shared lock, so that they cannot be retired or changed before this transaction ends. Reloaded, because they may have
    been retired since the form was loaded.
    """
    products = session.scalars(
        select(Product)
        .where(Product.id.in_({values["product_id"] for values in many}))
        .order_by(Product.id)
        .with_for_update(read=True, of=Product)
        .execution_options(populate_existing=True)
    )
    found = {product.id: product for product in products}
    return _Catalogue(found, _lock_plans(session, [line for values in many for line in values["lines"]]))


def _lock_plans(session: Session, lines: Iterable[LineValues]) -> dict[int, RatePlan]:
    plans = session.scalars(
        select(RatePlan)
        .where(RatePlan.id.in_({line.rate_plan_id for line in lines}))
        .order_by(RatePlan.id)
        .options(selectinload(RatePlan.charges))
        .with_for_update(read=True, of=RatePlan)
        .execution_options(populate_existing=True)
    )
    return {plan.id: plan for plan in plans}


def _checked(values: Mapping[str, Any], product: Product | None, today: date) -> dict[str, Any]:
    """Validate the values of a new contract and return them in the form in which they are stored."""
    if values["start_on"] < today:
        raise DomainError(STARTS_IN_THE_PAST, field="start_on")
    for name in ("initial_months", "renewal_months"):
        if values[name] < 1:
            raise DomainError(NO_TERM, field=name)
    if product is None or product.retired_at is not None:
        raise DomainError(RETIRED_PRODUCT, field="product_id")
    ships = values.get("ships_utm") if product.includes_utm else None
    if product.includes_utm and ships is None:
        raise DomainError(NEEDS_SHIPPING, field="ships_utm")
    checked = dict(values) | {"ships_utm": ships}
    if not ships:
        checked |= dict.fromkeys(SHIPPING, "")
    if not product.includes_utm or ships:
        checked["utm_id"] = None
    return checked


def _new_lines(
    contract: Contract, lines: Sequence[LineValues], plans: Mapping[int, RatePlan], *, today: date
) -> list[ContractLine]:
    _check_number(len(lines))
    return [_new_line(contract, plans.get(line.rate_plan_id), line, today=today) for line in lines]


def _new_line(contract: Contract, plan: RatePlan | None, line: LineValues, *, today: date) -> ContractLine:
    if plan is None or plan.retired_at is not None or plan.product_id != contract.product_id:
        raise DomainError(RETIRED_PLAN, field="lines")
    if not plan.price_editable and line.unit_price != plan.flat_price:
        raise DomainError(FIXED_PRICE, field="lines")
    return ContractLine(
        tenant_id=contract.tenant_id,
        rate_plan=plan,
        quantity=line.quantity,
        unit_price=line.unit_price,
        starts_on=max(today, contract.start_on),
    )


def _check_number(lines: int) -> None:
    """Raise DomainError if a contract cannot have so many lines."""
    if not lines:
        raise DomainError(NO_LINE)
    if lines > MAX_LINES:
        raise DomainError(TOO_MANY_LINES)


def _check_amount(contract: Contract) -> None:
    """Raise DomainError if the contract's present lines together exceed ``MAX_AMOUNT``."""
    if sum(line.quantity * line.unit_price for line in contract.present_lines) > MAX_AMOUNT:
        raise DomainError(TOO_HIGH, field="lines")


def _end(contract: Contract, line: ContractLine, *, today: date) -> None:
    """End a line, so that yesterday was its last day. A line that was never in force is deleted."""
    if line.starts_on >= today:
        contract.lines.remove(line)
    else:
        line.ends_on = today - timedelta(days=1)


def line_facts(line: ContractLine) -> dict[str, Any]:
    """Return the data of a line for the audit log."""
    return {
        "id": line.id,
        "rate_plan": line.rate_plan.name,
        "quantity": line.quantity,
        "unit_price": str(line.unit_price),
    }
