"""The existing customers, contracts and UTMs that a file refers to, read in a few SQL statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from models.contracts.catalogue import Product, RatePlan
from models.contracts.contract import Contract, ContractStatus, contracted_by_customer
from models.customers.customer import Customer
from models.utms.utm import Utm


class KnownPlan(NamedTuple):
    """A rate plan on sale; ``price`` is its unit price in yen."""

    id: int
    price: int
    price_editable: bool


class KnownProduct(NamedTuple):
    """A product on sale, with its rate plans by name."""

    id: int
    includes_utm: bool
    plans: dict[str, KnownPlan]


@dataclass(slots=True)
class Known:
    """The existing data that a file refers to.

    :ivar customers: the customers whose IDs are in the file, by ID.
    :ivar namesakes: the IDs of customers, by company name and phone number.
    :ivar contracts: the contract numbers of ``customers``, by customer ID, product ID and start date.
    :ivar may_have_utm: the IDs of the customers for whom a UTM can be registered.
    :ivar contracted: the numbers of UTMs that the contracts of ``customers`` include, without those that have none.
    :ivar registered: the numbers of UTMs of ``customers``, without those that have none.
    :ivar products: the products on sale, by name.
    :ivar utms: the tenant's UTMs whose UTM IDs are in the file, by UTM ID.
    :ivar taken_ids: the UTM IDs of the file that are registered in any tenant.
    :ivar taken_serials: the serial numbers of the file that are registered in any tenant.
    """

    customers: dict[str, Any] = field(default_factory=dict)
    namesakes: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    contracts: dict[tuple[str | None, int, date], str] = field(default_factory=dict)
    may_have_utm: set[int | str] = field(default_factory=set)
    contracted: dict[str, int] = field(default_factory=dict)
    registered: dict[str, int] = field(default_factory=dict)
    products: dict[str, KnownProduct] = field(default_factory=dict)
    utms: dict[str, Any] = field(default_factory=dict)
    taken_ids: set[str] = field(default_factory=set)
    taken_serials: set[str] = field(default_factory=set)


def read_known(
    session: Session, customer_ids: Iterable[str], names: Iterable[str], utm_ids: Iterable[str], *, today: date
) -> Known:
    """Return the data of the session's tenant that a file refers to.

    :param today: the current date in Asia/Tokyo.
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
    known.contracted = contracted_by_customer(session, ids, today=today)
    counted = select(Utm.customer_id, func.count()).where(Utm.customer_id.in_(ids), Utm.removed_at.is_(None))
    known.registered = {row[0]: row[1] for row in session.execute(counted.group_by(Utm.customer_id))}
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
    """Store in ``known`` which of the UTM IDs and serial numbers are already registered.

    :param session: a cross-tenant session, because they are unique in the whole system.
    """
    kept = Utm.removed_at.is_(None)
    known.taken_ids = set(session.scalars(select(Utm.utm_id).where(kept, Utm.utm_id.in_(list(utm_ids)))))
    known.taken_serials = set(session.scalars(select(Utm.serial).where(kept, Utm.serial.in_(list(serials)))))
