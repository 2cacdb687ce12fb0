"""Two tenants that hold the same kinds of things, and alerts that arrive from a UTM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from models import scope
from models.alerts import ingest as alert_ingest
from models.alerts.ingest import Receipt
from models.customers.customer import Customer
from models.utms.utm import Utm
from tests.support.notifications import Tried

HOOKS = (("do_orm_execute", scope._only_own_rows), ("before_flush", scope._only_own_writes))
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass
class Half:
    """One tenant with a customer, a contract and a UTM."""

    tenant_id: str
    customer: Customer
    utm: Utm


@pytest.fixture
def ours(make) -> Half:
    return _half(make, "ours")


@pytest.fixture
def theirs(make, ours) -> Half:
    return _half(make, "theirs")


@pytest.fixture
def arrive(engine) -> Callable[..., Receipt]:
    """Let numbered lines arrive from a UTM: ``arrive(utm, lines(5, at=NOW))``."""

    def store(utm: Utm, found: Iterable[tuple[int, bytes]], *, now: datetime = NOW, commit: bool = True) -> Receipt:
        sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
        with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
            receipt = alert_ingest.store(session, sender, found, now=now, retention_months=13)
            if commit:
                session.commit()
        return receipt

    return store


@pytest.fixture(params=["row-level security alone", "with the hooks"])
def walls(request) -> Iterator[str]:
    """Both walls, or only the database's; ``after_begin`` stays, so that it knows who asks."""
    if request.param == "with the hooks":
        yield request.param
        return
    for name, hook in HOOKS:
        event.remove(Session, name, hook)
    yield request.param
    for name, hook in HOOKS:
        event.listen(Session, name, hook)


@pytest.fixture
def session(walls, ours, theirs, in_tenant) -> Iterator[Session]:
    """A session of our tenant: once behind row-level security alone, once behind the hooks too."""
    with in_tenant(ours.tenant_id) as session:
        yield session


@pytest.fixture
def handed_over(session, theirs, make) -> Customer:
    """A row of theirs that another session loaded, put into ours by hand: no query brings it there."""
    make.session.expunge(theirs.customer)
    session.add(theirs.customer)
    return theirs.customer


def _half(make, mark: str) -> Half:
    customer, utm = make.customer_with_utm(make.tenant(name=mark), name=mark)
    return Half(customer.tenant_id, customer, utm)


@pytest.fixture
def tried(make, in_tenant) -> Tried:
    return Tried(make.tenant(name="サンプルパートナー"), in_tenant)


@pytest.fixture
def settled(tried) -> Tried:
    """With one address in force."""
    tried.change("old@example.jp")
    tried.confirm()
    return tried
