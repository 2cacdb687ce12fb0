"""What the database knows of the customers, contracts and UTMs of a file, read in a few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models.contracts.catalogue import Product, RatePlan
from models.contracts.contract import Contract, ContractStatus
from models.customers.customer import Customer
from models.utms.utm import Utm


class KnownPlan(NamedTuple):
    """A rate plan that is sold; ``price`` is what its unit costs in yen."""

    id: int
    price: int
    price_editable: bool


class KnownProduct(NamedTuple):
    """A product that is sold, with its rate plans by name."""

    id: int
    includes_utm: bool
    plans: dict[str, KnownPlan]


@dataclass(slots=True)
class Known:
    """What is there already.

    :ivar customers: by ID, those that the file names.
    :ivar namesakes: the IDs of customers by company name and phone number.
    :ivar contracts: the number by customer, product and first day, of the customers that the file names.
    :ivar may_have_utm: the customers that a UTM can be registered for.
    :ivar utms: of this tenant by UTM ID; ``taken_ids`` and ``taken_serials`` are those of everybody.
    """

    customers: dict[str, Any] = field(default_factory=dict)
    namesakes: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    contracts: dict[tuple[str | None, int, date], str] = field(default_factory=dict)
    may_have_utm: set[int | str] = field(default_factory=set)
    products: dict[str, KnownProduct] = field(default_factory=dict)
    utms: dict[str, Any] = field(default_factory=dict)
    taken_ids: set[str] = field(default_factory=set)
    taken_serials: set[str] = field(default_factory=set)


def read_known(
    session: Session, customer_ids: Iterable[str], names: Iterable[str], utm_ids: Iterable[str], *, today: date
) -> Known:
    """Return what the session's tenant has of what a file names.

    :param today: the day in Asia/Tokyo.
    """
    known = Known()
    kept = select(Customer).where(Customer.deleted_at.is_(None))
    ids = list(customer_ids)
    known.customers = {row.id: row for row in session.scalars(kept.where(Customer.id.in_(ids)))}
    namesakes = defaultdict(list)
    for customer_id, name, phone in session.execute(
        select(Customer.id, Customer.name, Customer.contact_phone).where(
            Customer.deleted_at.is_(None), Customer.name.in_(list(names))
        )
    ):
        namesakes[name, phone].append(customer_id)
    known.namesakes = dict(namesakes)
    for contract_id, customer_id, product_id, start_on, end_on, includes_utm in session.execute(
        select(
            *(Contract.id, Contract.customer_id, Contract.product_id, Contract.start_on, Contract.end_on),
            Product.includes_utm,
        )
        .join(Product)
        .where(Contract.customer_id.in_(ids), Contract.status != ContractStatus.VOID.value)
    ):
        known.contracts[customer_id, product_id, start_on] = contract_id
        if includes_utm and end_on >= today:
            known.may_have_utm.add(customer_id)
    known.utms = {
        row.utm_id: row
        for row in session.scalars(select(Utm).where(Utm.utm_id.in_(list(utm_ids)), Utm.removed_at.is_(None)))
    }
    _read_products(session, known)
    return known


def _read_products(session: Session, known: Known) -> None:
    plans = selectinload(Product.rate_plans).selectinload(RatePlan.charges)
    for product in session.scalars(select(Product).where(Product.retired_at.is_(None)).options(plans)):
        known.products[product.name] = KnownProduct(
            product.id,
            product.includes_utm,
            {
                plan.name: KnownPlan(plan.id, int(plan.flat_price), plan.price_editable)
                for plan in product.rate_plans
                if plan.retired_at is None
            },
        )


def read_taken(session: Session, known: Known, utm_ids: Iterable[str], serials: Iterable[str]) -> None:
    """Note which UTM IDs and serial numbers are registered.

    :param session: one that crosses tenants: they are unique in the whole system.
    """
    kept = Utm.removed_at.is_(None)
    known.taken_ids = set(session.scalars(select(Utm.utm_id).where(kept, Utm.utm_id.in_(list(utm_ids)))))
    known.taken_serials = set(session.scalars(select(Utm.serial).where(kept, Utm.serial.in_(list(serials)))))
