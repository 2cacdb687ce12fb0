"""The stored figures: equal to what a slow program counts, recalculated after a change, and never waited for."""

from __future__ import annotations

import calendar
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import String, func, literal, select

from models import clock
from models.actor import SYSTEM
from models.applications.application import ServiceApplication
from models.applications.utm_application import UtmApplication
from models.contracts.billing import charges
from models.contracts.contract import Contract
from models.contracts.invoice import Invoice
from models.contracts.status import refresh_status
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.dashboard import figures, uncontracted
from models.dashboard.figures import DashboardFigures, Source
from models.portal_users.portal_user import PortalUser
from models.utms.utm import Utm
from tests.models.contracts.test_due import catalogue, random_contract

pytestmark = pytest.mark.usefixtures("context")
NOW = datetime(2026, 12, 14, 15, 0, tzinfo=UTC)
TODAY = date(2026, 12, 15)
MONTHS = {"this_month": date(2026, 12, 1), "last_month": date(2026, 11, 1), "month_before": date(2026, 10, 1)}
SOURCES = ("income", "customers", "pending", "held", "never_signed_in", "passwords", "mismatches")


@pytest.fixture
def context(app):
    with app.app_context():
        yield


def stored(session, now=NOW) -> dict[str, dict[str, int]]:
    return {name: dict(each.values) for name, each in figures.current(session, SOURCES, now=now).items()}


@pytest.fixture
def world(make):
    """Random contracts, users, applications and UTMs of a tenant, and the same of another one."""
    pick = random.Random(5)
    product = catalogue(pick)
    product.name += str(make.number())
    for plan in product.rate_plans:
        plan.counts_utms = pick.random() < 0.7
    make.session.add(product)
    make.session.flush()
    made = []
    for tenant in (make.tenant(), make.tenant()):
        customers = [make.customer(tenant=tenant) for _ in range(30)]
        for number, each in enumerate(customers):
            contracts = [random_contract(pick, tenant.id, each.id, product) for _ in range(pick.randint(0, 3))]
            for place, contract in enumerate(contracts):
                contract.id = f"A-S{tenant.id[-2:]}{number:03}{place:03}"
            make.session.add_all(contracts)
            for _ in range(pick.randint(0, 3)):
                make.utm(customer_row=each, removed_at=pick.choice([None, None, NOW]))
            times = {name: pick.choice([None, NOW]) for name in ("signed_up_at", "first_sign_in_at", "deleted_at")}
            make.portal_user(customer_row=each, **times)
            state = pick.choice(["pending", "held", "denied", "approved", "unconfirmed"])
            make.service_application(tenant=tenant, state=state, customer_id=each.id if state == "approved" else None)
            make.utm_application(customer_row=each, state=pick.choice(["pending", "approved", "denied"]))
        for each in pick.sample(customers, 4):
            make.invoice(customer=each, month=MONTHS["month_before"], total=pick.randint(1, 9_999))
        make.session.flush()
        refresh_status(make.session, today=TODAY, customer_ids=[each.id for each in customers])
        customers[0].deleted_at = NOW
        make.session.commit()
        made.append(tenant)
    return made[0]


def counted(session) -> dict[str, dict[str, int]]:
    """The figures as a slow program counts them, from rows alone."""
    every = {model: session.scalars(select(model)).all() for model in (Contract, Invoice, Utm, ServiceApplication)}
    customers = [each for each in session.scalars(select(Customer)) if each.deleted_at is None]
    users = [each for each in session.scalars(select(PortalUser)) if each.deleted_at is None]
    more = session.scalars(select(UtmApplication)).all()

    def income(month: date) -> int:
        invoices = [each.total for each in every[Invoice] if each.month == month]
        billed = [charge.amount for each in every[Contract] for charge in charges(each, month)]
        return int(sum(invoices if invoices and month != MONTHS["this_month"] else billed))

    def served(month: date) -> int:
        days = [month.replace(day=day + 1) for day in range(calendar.monthrange(month.year, month.month)[1])]
        return len(
            {
                each.id
                for each in customers
                for contract in every[Contract]
                if contract.customer_id == each.id and any(contract.in_force(day) for day in days)
            }
        )

    differing = missing = 0
    for each in session.scalars(select(Customer)):
        contracted = sum(one.utm_count(TODAY) for one in every[Contract] if one.customer_id == each.id)
        registered = sum(one.customer_id == each.id and one.removed_at is None for one in every[Utm])
        approved = [
            sum(delivery.utm_count for delivery in one.deliveries)
            for one in (*every[ServiceApplication], *more)
            if one.customer_id == each.id and one.state == "approved"
        ]
        missing += max(0, contracted - registered)
        agrees = contracted == registered and (not approved or sum(approved) == contracted)
        differing += not agrees and each.deleted_at is None
    states = [each.state for each in every[ServiceApplication]]
    return {
        "income": {name: income(month) for name, month in MONTHS.items()},
        "customers": {name: served(month) for name, month in MONTHS.items()},
        "pending": {"service": states.count("pending"), "utm": [each.state for each in more].count("pending")},
        "held": {"service": states.count("held")},
        "never_signed_in": {"users": sum(each.first_sign_in_at is None for each in users)},
        "passwords": {
            "done": sum(each.signed_up_at is not None for each in users),
            "missing": sum(each.signed_up_at is None for each in users),
        },
        "mismatches": {"customers": differing, "utms": missing},
    }


def test_the_figures_are_what_a_slow_program_counts(world, in_tenant):
    with in_tenant(world.id) as session:
        expected = counted(session)
        assert stored(session) == expected
        figures.refresh(session, now=NOW, daily=True)
        without = sorted(
            each.id
            for each in session.scalars(select(Customer).where(Customer.deleted_at.is_(None)))
            if not any(one.counts and one.customer_id == each.id for one in session.scalars(select(Contract)))
        )
        pages = [uncontracted.page_of(session, number=number, size=2) for number in range(1, len(without) // 2 + 4)]
    assert [name for name, values in expected.items() if not all(values.values())] == []
    found = {page.number: [row.id for row in page.rows] for page in pages}
    assert [key for keys in found.values() for key in keys] == without
    assert {page.total for page in pages} == {len(without)}


@pytest.fixture
def kept(make, in_tenant) -> Customer:
    """A customer under contract, whose tenant has stored figures."""
    customer = make.customer()
    make.contract(customer_row=customer)
    with in_tenant(customer.tenant_id) as session:
        figures.refresh(session, now=clock.utc_now(), daily=False)
        session.commit()
    return customer


@pytest.fixture
def number_of_customers(kept, in_tenant):
    """What the dashboard says at a time."""

    def read(now: datetime) -> int:
        with in_tenant(kept.tenant_id) as session:
            return figures.current(session, SOURCES, now=now)["customers"].values["this_month"]

    return read


def test_a_page_recalculates_only_what_a_change_concerns(kept, make, in_tenant, number_of_customers):
    now = clock.utc_now()
    other = make.customer(tenant_id=kept.tenant_id)
    make.contract(customer_row=other)
    assert number_of_customers(now) == 1

    with in_tenant(kept.tenant_id) as session:
        changed = session.get(Customer, other.id)
        customer_rules.change(session, changed, {"memo1": "変更"}, version=changed.version, by=SYSTEM)
        session.commit()
    assert number_of_customers(now + timedelta(seconds=1)) == 2

    with in_tenant(kept.tenant_id) as session:
        times = dict(session.execute(select(DashboardFigures.widget, DashboardFigures.computed_at)).all())
    assert times["customers"] == now + timedelta(seconds=1)
    assert times["held"] < now
    assert "uncontracted" not in times


def test_in_another_month_the_figures_are_calculated_again(kept, make, number_of_customers):
    make.contract(customer_row=make.customer(tenant_id=kept.tenant_id))
    next_month = clock.day_start(clock.next_month(clock.tokyo_day(clock.utc_now())))

    assert number_of_customers(next_month - timedelta(seconds=1)) == 1
    assert number_of_customers(next_month) == 2


def test_a_run_that_began_earlier_does_not_replace_later_figures(kept, in_tenant):
    later = clock.utc_now() + timedelta(minutes=1)
    with in_tenant(kept.tenant_id) as session:
        for now in (later, later - timedelta(hours=1)):
            figures.refresh(session, now=now, daily=False)
        assert set(session.scalars(select(DashboardFigures.computed_at))) == {later}


def test_a_page_does_not_wait_for_figures_that_take_long(kept, in_tenant, monkeypatch):
    asked = []

    def slow(_today: date):
        asked.append(1)
        return {"number": select(func.length(func.pg_sleep(5).cast(String)) + literal(7)).scalar_subquery()}

    monkeypatch.setitem(figures._sources, "slow", Source("slow", slow, subjects=("Customer",)))
    monkeypatch.setattr(figures, "PAGE_TIMEOUT", timedelta(milliseconds=50))
    now = clock.utc_now()
    with in_tenant(kept.tenant_id) as session:
        for minutes in (0, 4, 6):
            found = figures.current(session, ["slow"], now=now + timedelta(minutes=minutes))
            assert found.get("slow", figures.NOTHING) == figures.NOTHING
    assert len(asked) == 2
