"""The customers and UTMs of the benchmark tenants, and the distribution of the alerts among the UTMs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.demo import words
from app.demo.bench_rows import insert_rows
from app.demo.catalogue import make_catalogue
from app.demo.plan import MONTHLY, WITH_UTM, ContractPlan, Term
from models import clock
from models.contracts.contract import Contract, ContractLine
from models.customers.customer import Customer, CustomerStatus
from models.tenants.tenant import Tenant
from models.utms.utm import Utm
from models.values.company_name import search_key

LARGE_UTMS = 100
"""The number of UTMs of the first customer of a part; the others have one each, or a few."""

_ONE_UTM = 0.22
"""The share of the large customer's alerts that its first UTM raises."""
_SLOTS_PER_CUSTOMER = 20

Slots = list[tuple[int, str, str]]
"""UTMs with their customer and tenant, repeated in proportion to their share of the alerts."""


@dataclass(frozen=True, slots=True)
class Part:
    """Customers that are created together.

    :ivar number: the number of the part.
    :ivar share: the share of the first customer in the part's alerts; the others share the rest unequally.
    :ivar tenants: the number of tenants that the customers are spread over; 0 for the tenant of the account.
    :ivar more_utms: the number of UTMs that customers have beside their first one, without those of the first customer.
    :ivar statistics_days: for how many days the UTMs of the first customer have threat statistics.
    """

    number: int
    customers: int
    alerts: int
    share: float
    tenants: int = 0
    more_utms: int = 0
    statistics_days: int = 0

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


def make(session: Session, tenants: Sequence[Tenant], part: Part, now: datetime) -> Slots:
    """Create a part's customers, each with a contract and its UTMs.

    :param tenants: what the customers are spread over.
    :returns: the distribution of the alerts.
    """
    customers = _make_customers(session, tenants, part, now)
    _make_contracts(session, customers, now)
    first, *others = customers
    owners = [first] * LARGE_UTMS + others
    owners += [others[number % len(others)] for number in range(part.more_utms)]
    utms = insert_rows(
        session,
        Utm,
        [
            {
                "tenant_id": tenant_id,
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
            for number, (customer, tenant_id) in enumerate(owners)
        ],
    )
    return _slots(part, [(utm, *owner) for utm, owner in zip(utms, owners, strict=True)])


def _make_customers(session: Session, tenants: Sequence[Tenant], part: Part, now: datetime) -> list[tuple[str, str]]:
    """Create the customers.

    :returns: the ID of each customer and of its tenant.
    """
    pick = random.Random(part.number)  # nosec B311  # noqa: S311  (demo data, nothing secret)
    rows: list[dict[str, Any]] = []
    for number in range(1, part.customers + 1):
        name = f"{part.name}株式会社 {number:04d}"
        rows.append(
            {
                "tenant_id": tenants[number % len(tenants)].id,
                "name": name,
                "search_name": search_key(name),
                "status": CustomerStatus.ACTIVE,
                "created_at": now - timedelta(days=500, minutes=-number),
                **words.contact(pick, f"m{part.number}-{number}.example.jp"),
                **words.place(pick),
            }
        )
    return [(key, row["tenant_id"]) for key, row in zip(insert_rows(session, Customer, rows), rows, strict=True)]


def _make_contracts(session: Session, customers: list[tuple[str, str]], now: datetime) -> None:
    """Create a contract with one line for each customer.

    :param customers: the ID of each customer and of its tenant.
    """
    start_on, end_on, status = ContractPlan(Term.RUNNING, 15).dates(clock.tokyo_day(now))
    product = make_catalogue(session)[WITH_UTM]
    plan = next(each for each in product.rate_plans if each.name == MONTHLY)
    rows = [
        {
            "tenant_id": tenant_id,
            "customer_id": customer,
            "product_id": product.id,
            "start_on": start_on,
            "renewals": 1,
            "term_end_on": end_on,
            "end_on": end_on,
            "status": status.value,
            "ships_utm": False,
        }
        for customer, tenant_id in customers
    ]
    lines = [
        {
            "tenant_id": row["tenant_id"],
            "contract_id": contract,
            "rate_plan_id": plan.id,
            "quantity": 1,
            "unit_price": plan.flat_price,
            "starts_on": start_on,
        }
        for contract, row in zip(insert_rows(session, Contract, rows), rows, strict=True)
    ]
    session.execute(insert(ContractLine), lines)


def _slots(part: Part, utms: Slots) -> Slots:
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
