"""A world with two tenants that hold the same kinds of things, for what must be true of every screen at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from models import alert_ingest, clock
from tests.alerts import lines

ROLES = ("Partner Operator", "Partner Viewer", "NEC Staff", "NEC Admin")


@dataclass
class Half:
    """One tenant and what is in it. Its names are found nowhere but on its own pages."""

    tenant: Any
    customer: Any
    utm: Any
    names: tuple[str, ...]
    user: Any
    role: Any

    def keys(self) -> dict[str, Any]:
        """A value for every argument a route can have; with the view's name before it where views differ."""
        return {
            "customer_id": self.customer.id,
            "utm_key": self.utm.id,
            "UserView.pk": self.user.id,
            "RoleView.pk": self.role.id,
        }


@dataclass
class World:
    """Two tenants, and a client of each role signed in to the first."""

    ours: Half
    theirs: Half
    clients: dict[str, FlaskClient]


@pytest.fixture
def world(app, make, engine, signed_in) -> World:
    ours, theirs = (_half(make, engine, mark) for mark in ("ひばり", "つぐみ"))
    clients = {
        "Partner Operator": signed_in(make.member(ours.tenant, "Partner Operator"), ours.tenant),
        "Partner Viewer": signed_in(make.member(ours.tenant, "Partner Viewer"), ours.tenant),
        "NEC Staff": signed_in(make.elevated("NEC Staff"), ours.tenant),
        "NEC Admin": signed_in(make.elevated("NEC Admin"), ours.tenant),
        "nobody": app.test_client(),
    }
    return World(ours, theirs, clients)


def _half(make, engine, mark: str) -> Half:
    tenant = make.tenant(name=f"{mark}テナント")
    customer = make.customer(tenant=tenant, name=f"{mark}工業", memo1=f"{mark}メモ")
    make.contract(customer_row=customer)
    utm = make.utm(customer_row=customer, name=f"{mark}UTM")
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        alert_ingest.store(
            session,
            alert_ingest.Sender(tenant.id, customer.id, utm.id),
            lines(3, at=now - timedelta(hours=1), msg=f"{mark}攻撃", alert_severity="high"),
            now=now,
            retention_months=13,
        )
        session.commit()
    names = (f"{mark}工業", f"{mark}メモ", f"{mark}UTM", f"{mark}攻撃", customer.id, utm.utm_id, utm.serial)
    user = make.member(tenant, "Partner Viewer", last_name=f"{mark}山")
    return Half(tenant, customer, utm, names, user, make.role(f"{mark}係", "Customers can_list"))
