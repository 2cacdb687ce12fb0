"""The catalogue, contracts and invoices."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from models import clock
from models.contracts.catalogue import Charge, Product, RatePlan, WholesalePrice
from models.contracts.contract import Contract, ContractLine
from models.contracts.invoice import Correction, Invoice, InvoiceLine, Usage
from models.customers.customer import Customer
from models.tenants.tenant import Tenant

if TYPE_CHECKING:
    from tests.factories import Make


def product(make: Make, *, tenant: Tenant | None = None, **values: Any) -> Product:
    """A product, which belongs to no tenant."""
    return make.save(Product(**{"name": f"見守りUTM {make.number()}型", "includes_utm": True} | values))


def rate_plan(
    make: Make,
    *,
    tenant: Tenant | None = None,
    product_row: Product | None = None,
    price: int | None = 6600,
    **values: Any,
) -> RatePlan:
    """A monthly plan with a flat charge; without one when ``price`` is None, or the product of a screen is given."""
    if product_row is not None:
        values["product"], price = product_row, None
    if "product_id" not in values:
        values["product"] = values.get("product") or make.product()
    plan = make.save(
        RatePlan(**{"name": f"月額プラン{make.number()}", "cycle": "monthly", "counts_utms": True} | values)
    )
    if price is not None:
        make.charge(rate_plan=plan, unit_price=price)
    return plan


def charge(make: Make, *, rate_plan_row: RatePlan | None = None, **values: Any) -> Charge:
    """A flat charge; another usage charge, when the plan of a screen is given."""
    if rate_plan_row is not None:
        values = {"rate_plan": rate_plan_row, "model": "usage"} | values
    if "rate_plan_id" not in values:
        values["rate_plan"] = values.get("rate_plan") or make.rate_plan(price=None)
    return make.save(Charge(**{"name": f"基本メニュー{make.number()}", "model": "flat", "unit_price": 6600} | values))


def wholesale_price(make: Make, *, rate_plan_row: RatePlan | None = None, **values: Any) -> WholesalePrice:
    """A price that has been valid for long; one to come, when the plan of a screen is given."""
    if rate_plan_row is not None:
        day = date(2099, 1, 1) + timedelta(days=make.number())
        values = {"rate_plan": rate_plan_row, "valid_from": day} | values
    if "rate_plan_id" not in values:
        values["rate_plan"] = values.get("rate_plan") or make.rate_plan()
    return make.save(WholesalePrice(**{"valid_from": date(2026, 1, 1), "unit_price": 4000} | values))


def contract(
    make: Make, *, customer_row: Customer | None = None, tenant: Tenant | None = None, **values: Any
) -> Contract:
    """A contract that is in force, when no dates are given, and has no lines."""
    of = customer_row or make.customer(tenant=tenant)
    today = clock.tokyo_day(clock.utc_now())
    defaults = {"start_on": today - timedelta(days=30), "end_on": today + timedelta(days=335)}
    values = defaults | values
    values.setdefault("term_end_on", values["end_on"])
    product = values.pop("product", None) or make.product()
    return make.save(Contract(tenant_id=of.tenant_id, customer_id=of.id, product=product, **values))


def contract_line(make: Make, *, contract: Contract | None = None, **values: Any) -> ContractLine:
    """A line of one unit from the start of its contract, at the price of its plan."""
    of = contract or make.contract()
    plan = values.pop("rate_plan", None) or make.rate_plan(product=of.product)
    defaults = {"quantity": 1, "unit_price": plan.flat_price, "starts_on": of.start_on}
    return make.save(ContractLine(contract=of, tenant_id=of.tenant_id, rate_plan=plan, **defaults | values))


def invoice(
    make: Make,
    *,
    customer: Customer | None = None,
    customer_row: Customer | None = None,
    tenant: Tenant | None = None,
    **values: Any,
) -> Invoice:
    """An unpaid invoice of October, or of a month of its own when the customer of a screen is given."""
    of = customer or customer_row or make.customer(**{"tenant": tenant} if tenant else {})
    month = clock.months_before(date(2026, 10, 1), make.number()) if customer_row else date(2026, 10, 1)
    defaults = {"month": month, "total": 6600, "issued_on": date(2026, 11, 1)}
    return make.save(Invoice(tenant_id=of.tenant_id, customer_id=of.id, **defaults | values))


def invoice_line(make: Make, *, invoice: Invoice | None = None, **values: Any) -> InvoiceLine:
    of = invoice or make.invoice()
    defaults = {"kind": "flat", "charge_name": "基本メニュー", "quantity": 1, "unit_price": 6600, "amount": 6600}
    return make.save(InvoiceLine(tenant_id=of.tenant_id, invoice_id=of.id, **defaults | values))


def correction(
    make: Make, *, customer: Customer | None = None, tenant: Tenant | None = None, **values: Any
) -> Correction:
    of = customer or make.customer(**{"tenant": tenant} if tenant else {})
    defaults = {"amount": -1000, "reason": f"お詫び{make.number()}"}
    return make.save(Correction(tenant_id=of.tenant_id, customer_id=of.id, **defaults | values))


def usage(make: Make, *, line: ContractLine | None = None, **values: Any) -> Usage:
    of = line or make.contract_line()
    defaults = {"month": date(2026, 10, 1), "quantity": 3}
    return make.save(Usage(tenant_id=of.tenant_id, line=of, **defaults | values))
