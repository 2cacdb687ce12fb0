"""The customers and UTMs of the benchmark tenant, and the distribution of the alerts among the UTMs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.demo import words
from app.demo.catalogue import make_catalogue
from app.demo.plan import MONTHLY, WITH_UTM, ContractPlan, Term
from models import clock
from models.contracts.contract import Contract, ContractLine
from models.customers.customer import Customer, CustomerStatus
from models.tenants.tenant import Tenant
from models.utms.utm import Utm
from models.values.company_name import search_key

LARGE_UTMS = 100
"""The number of UTMs of the first customer of a part; the others have one each."""

_ONE_UTM = 0.22
"""The share of the large customer's alerts that its first UTM raises."""
_SLOTS_PER_CUSTOMER = 20

Slots = list[tuple[int, str]]
"""(UTM, customer) pairs, repeated in proportion to their share of the alerts."""


@dataclass(frozen=True, slots=True)
class Part:
    """Customers that are created together.

    :ivar number: the number of the part.
    :ivar share: the share of the first customer in the part's alerts; the others share the rest unequally.
    """

    number: int
    customers: int
    alerts: int
    share: float

    @property
    def name(self) -> str:
        """The common part of the customers' names."""
        return f"測定{'〇一二三四五六七八九'[self.number]}番"

    def utm_id(self, number: int) -> str:
        """Return a UTM ID: a MAC address that no manufacturer uses."""
        return f"02005e2{self.number}{number:04x}"


def exist(session: Session, part: Part) -> bool:
    """Return whether a part exists. A part is created completely or not at all."""
    return session.scalar(select(Utm.id).where(Utm.utm_id == part.utm_id(0)).limit(1)) is not None


def make(session: Session, tenant: Tenant, part: Part, now: datetime) -> Slots:
    """Create a part's customers, each with a contract and its UTMs.

    :returns: the distribution of the alerts.
    """
    customers = _make_customers(session, tenant, part, now)
    _make_contracts(session, tenant, customers, now)
    owners = [customers[0]] * LARGE_UTMS + customers[1:]
    utms = _insert(
        session,
        Utm,
        [
            {
                "tenant_id": tenant.id,
                "customer_id": customer,
                "utm_id": part.utm_id(number),
                "serial": f"MIMAMORI-BENCH-{part.number}{number:05d}",
                "name": f"拠点{number + 1:04d}",
                "postcode": "060-0000",
                "address": "北海道空見市若葉町1-1-1",
                "delivery_status": "受領済",
                "last_seen_at": now,
                "created_at": now - timedelta(days=500),
            }
            for number, customer in enumerate(owners)
        ],
    )
    return _slots(part, list(zip(utms, owners, strict=True)))


def _make_customers(session: Session, tenant: Tenant, part: Part, now: datetime) -> list[str]:
    pick = random.Random(part.number)  # noqa: S311  (demo data, nothing secret)
    rows = []
    for number in range(1, part.customers + 1):
        name = f"{part.name}株式会社 {number:04d}"
        rows.append(
            {
                "tenant_id": tenant.id,
                "name": name,
                "search_name": search_key(name),
                "status": CustomerStatus.ACTIVE,
                "created_at": now - timedelta(days=500, minutes=-number),
                **words.contact(pick, f"m{part.number}-{number}.example.jp"),
                **words.place(pick),
            }
        )
    return _insert(session, Customer, rows)


def _make_contracts(session: Session, tenant: Tenant, customers: list[str], now: datetime) -> None:
    """Create a contract with one line for each customer."""
    start_on, end_on, status = ContractPlan(Term.RUNNING, 15).dates(clock.tokyo_day(now))
    product = make_catalogue(session)[WITH_UTM]
    plan = next(each for each in product.rate_plans if each.name == MONTHLY)
    common = {
        "tenant_id": tenant.id,
        "product_id": product.id,
        "start_on": start_on,
        "renewals": 1,
        "term_end_on": end_on,
        "end_on": end_on,
        "status": status.value,
        "ships_utm": False,
    }
    contracts = _insert(session, Contract, [common | {"customer_id": customer} for customer in customers])
    line = {
        "tenant_id": tenant.id,
        "rate_plan_id": plan.id,
        "quantity": 1,
        "unit_price": plan.flat_price,
        "starts_on": start_on,
    }
    session.execute(insert(ContractLine), [line | {"contract_id": contract} for contract in contracts])


def _slots(part: Part, utms: list[tuple[int, str]]) -> Slots:
    """Distribute the alerts: the first UTM gets the most, the others of its customer equal shares, the rest by rank."""
    total = part.customers * _SLOTS_PER_CUSTOMER
    large = total * part.share
    others = range(LARGE_UTMS, len(utms))
    ranks = {number: 1 / (number - LARGE_UTMS + 10) for number in others}
    weight = (total - large) / sum(ranks.values()) if ranks else 0
    shares = [
        large * _ONE_UTM,
        *[large * (1 - _ONE_UTM) / (LARGE_UTMS - 1)] * (LARGE_UTMS - 1),
        *(weight * ranks[number] for number in others),
    ]
    return [utm for utm, share in zip(utms, shares, strict=True) for _ in range(max(1, round(share)))]


def _insert(session: Session, model: Any, rows: list[dict[str, Any]]) -> list[Any]:
    """Insert rows and return their primary keys in the same order."""
    return list(session.scalars(insert(model).returning(model.id, sort_by_parameter_order=True), rows))
