"""What the steps share that give the benchmark's customers applications, tickets and invoices."""

from __future__ import annotations

import random
import string
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.bench_customers import Part
from models import clock
from models.customers.customer import Customer

_CODE = string.digits + string.ascii_uppercase
_SEED = 20_261_130
_CONTACT = ("last_name", "first_name", "department", "title", "email", "phone")
_SITE = ("postcode", "prefecture", "address")


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer of the part.

    :ivar contact: the contact person, by the names of the columns of an application.
    :ivar site: the postal address.
    """

    id: str
    tenant_id: str
    name: str
    contact: dict[str, str]
    site: dict[str, str]

    @property
    def domain(self) -> str:
        """The domain of its e-mail addresses."""
        return self.contact["email"].partition("@")[2]

    @property
    def contact_name(self) -> str:
        """The contact person's full name."""
        return f"{self.contact['last_name']} {self.contact['first_name']}"


@dataclass(frozen=True, slots=True)
class BenchContext:
    """A part whose customers, contracts, UTMs and alerts exist.

    :ivar session: a cross-tenant session; the caller commits.
    :ivar today: the day in Asia/Tokyo. Times are relative to its start, so that the result is the same all day.
    :ivar pick: the random generator, with a fixed seed.
    :ivar customers: the part's customers in the order of their names.
    """

    session: Session
    part: Part
    today: date
    pick: random.Random
    customers: list[KnownCustomer]
    by_tenant: dict[str, list[KnownCustomer]] = field(default_factory=lambda: defaultdict(list))

    def ago(self, hours: float) -> datetime:
        """Return the time that is a number of hours before the start of today."""
        return clock.day_start(self.today) - timedelta(hours=hours)

    def codes(self, prefix: str, number: int) -> list[str]:
        """Return distinct IDs of applications, the same in every run; those of users' applications are random."""
        return [f"{prefix}{''.join(self.pick.choices(_CODE, k=8))}" for _ in range(number)]

    def user_ids(self, number: int) -> list[str]:
        """Return distinct IDs of portal users. Each part has its own first letter, so that they differ from the others'."""
        first = string.ascii_uppercase[self.part.number]
        drawn = self.pick.sample(range(26 * 10**6), number)
        return [f"{first}{string.ascii_uppercase[each // 10**6]}{each % 10**6:06}" for each in drawn]


def context_of(session: Session, part: Part, tenant_ids: list[str], *, now: datetime) -> BenchContext:
    """Read the customers of a part."""
    columns = [getattr(Customer, f"contact_{name}").label(name) for name in _CONTACT]
    columns += [getattr(Customer, name) for name in _SITE]
    found = session.execute(
        select(Customer.id, Customer.tenant_id, Customer.name, *columns)
        .where(Customer.tenant_id.in_(tenant_ids), Customer.name.startswith(part.name))
        .order_by(Customer.name)
    ).mappings()
    customers = [
        KnownCustomer(
            row["id"],
            row["tenant_id"],
            row["name"],
            {name: row[name] for name in _CONTACT},
            {name: row[name] for name in _SITE},
        )
        for row in found
    ]
    pick = random.Random(_SEED + part.number)  # nosec B311  # noqa: S311  (demo data, nothing secret)
    context = BenchContext(session, part, clock.tokyo_day(now), pick, customers)
    for customer in customers:
        context.by_tenant[customer.tenant_id].append(customer)
    return context
