"""Create the demo's contracts in the state that the rules would have produced by today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from app.demo import words
from app.demo.context import DemoContext
from app.demo.plan import SETUP, TERM_MONTHS, ContractPlan, CustomerPlan, Term
from models import audit, clock
from models.actor import COMMAND_LINE
from models.contracts import ending, invoicing
from models.contracts.catalogue import ChargeModel, Product, RatePlan
from models.contracts.contract import Contract, ContractLine
from models.contracts.rules import line_facts
from models.contracts.terms import term_end
from models.customers.customer import Customer

_ARRIVES_IN = timedelta(days=3)


def make_contracts(
    context: DemoContext,
    customers: Sequence[Customer],
    plans: Sequence[CustomerPlan],
    products: dict[str, Product],
) -> None:
    """Create the contracts of customers with their lines and recorded usage.

    :param plans: the customers' plans, in the same order.
    :param products: the products by name.
    """
    for customer, plan in zip(customers, plans, strict=True):
        for number, each in enumerate(plan.contracts):
            contract = _contract(context, customer, each, products[each.product])
            if contract.ships_utm is False and plan.utms and number == 0:
                contract.utm_id = plan.utms[0].utm_id
            _make(context, contract, each)


def _make(context: DemoContext, contract: Contract, plan: ContractPlan) -> None:
    session = context.session
    contract.lines = _lines(context, contract, plan)
    if plan.term in {Term.LEAVING, Term.CANCELLED}:
        contract.cancellation_fee = ending.preview(contract, contract.end_on).fee
    session.add(contract)
    _, after = audit.changes(contract)
    session.flush()
    lines = [line_facts(line) for line in contract.lines]
    audit.record(session, "contract.created", contract, by=COMMAND_LINE, after=(after or {}) | {"lines": lines})
    if plan.visits:
        line = contract.lines[0]
        charge = next(each for each in line.rate_plan.charges if each.model == ChargeModel.USAGE)
        month = clock.months_before(context.today, 1)
        invoicing.record_usage(session, line, charge, month, Decimal(plan.visits), by=COMMAND_LINE)


def _contract(context: DemoContext, customer: Customer, plan: ContractPlan, product: Product) -> Contract:
    today = context.today
    start_on, end_on, status = plan.dates(today)
    contract = Contract(
        tenant_id=customer.tenant_id,
        customer_id=customer.id,
        product=product,
        start_on=start_on,
        end_on=end_on,
        status=status.value,
        initial_months=TERM_MONTHS,
        renewal_months=TERM_MONTHS,
        renewals=_renewals(start_on, end_on),
        auto_renew=plan.term is not Term.EXPIRED,
        ships_utm=plan.ships if product.includes_utm else None,
        created_at=min(clock.day_start(start_on), clock.day_start(today)) - timedelta(days=3),
    )
    contract.term_end_on = term_end(start_on, TERM_MONTHS, TERM_MONTHS, contract.renewals)
    if plan.ships:
        _ship(context, contract, customer, plan)
    return contract


def _renewals(start_on: date, end_on: date) -> int:
    """Return the number of renewals after which the term includes ``end_on``."""
    renewals = 0
    while term_end(start_on, TERM_MONTHS, TERM_MONTHS, renewals) < end_on:
        renewals += 1
    return renewals


def _ship(context: DemoContext, contract: Contract, customer: Customer, plan: ContractPlan) -> None:
    """Set the recipient of the UTM: the customer's contact person, at another postal address if there is no slip yet."""
    site = {"postcode": customer.postcode, "prefecture": customer.prefecture, "address": customer.address}
    if not plan.slip:
        site = words.place(context.pick)
    contract.ship_company = customer.name
    contract.ship_last_name, contract.ship_first_name = customer.contact_last_name, customer.contact_first_name
    contract.ship_department, contract.ship_phone = customer.contact_department, customer.contact_phone
    contract.ship_postcode, contract.ship_prefecture = site["postcode"], site["prefecture"]
    contract.ship_address = site["address"]
    if plan.slip:
        contract.arrival_on, contract.tracking_number = context.today + _ARRIVES_IN, plan.slip


def _lines(context: DemoContext, contract: Contract, plan: ContractPlan) -> list[ContractLine]:
    """Return the lines: the current one, the smaller one that it replaced, and the set-up fee."""
    start_on = contract.start_on
    changed_on = None if plan.grown is None else clock.months_before(context.today, plan.grown)
    found = [_line(contract, plan.rate_plan, 1 if changed_on else plan.quantity, start_on)]
    if changed_on is not None:
        found[0].ends_on = changed_on - timedelta(days=1)
        found.append(_line(contract, plan.rate_plan, plan.quantity, changed_on))
    if plan.setup:
        found.append(_line(contract, SETUP, 1, start_on))
    return found


def _line(contract: Contract, plan_name: str, quantity: int, starts_on: date) -> ContractLine:
    rate_plan: RatePlan = next(each for each in contract.product.rate_plans if each.name == plan_name)
    return ContractLine(
        tenant_id=contract.tenant_id,
        rate_plan=rate_plan,
        quantity=quantity,
        unit_price=rate_plan.flat_price,
        starts_on=starts_on,
    )
