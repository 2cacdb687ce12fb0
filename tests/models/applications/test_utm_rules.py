"""Receiving and deciding UTM applications."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from models.actor import SYSTEM
from models.applications import utm_rules
from models.applications.rules import DECIDED
from models.applications.utm_application import UtmApplication
from models.applications.utm_rules import UtmApplicationInput
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.errors import DomainError, Gone
from models.mail.outbox import MailMessage
from models.tenants.settings import TenantSettings
from models.tenants.tenant import Tenant
from tests.factories.applications import DELIVERY

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PORTAL = "https://portal.example.jp"


@pytest.fixture
def customer(make):
    return make.customer()


@pytest.fixture
def session(in_tenant, customer):
    with in_tenant(customer.tenant_id) as session:
        yield session


def receive(session, customer, **values):
    entered = UtmApplicationInput([DELIVERY], **values)
    row = session.get_one(Customer, customer.id)
    return utm_rules.receive(session, row, entered, now=NOW, by=SYSTEM, portal_url=PORTAL)


def mails(session):
    return session.execute(select(MailMessage.kind, MailMessage.recipient).order_by(MailMessage.id)).all()


@pytest.mark.parametrize(
    ("values", "recipient"),
    [
        ({}, "hanako@example.com"),
        ({"applicant_name": "青空 三郎", "applicant_email": "saburo@example.com"}, "saburo@example.com"),
    ],
)
def test_an_application_is_confirmed_to_the_applicant_and_the_tenant(session, customer, make, values, recipient):
    make.confirmed_address(make.session.get(Tenant, customer.tenant_id), "desk@example.jp")

    application = receive(session, customer, **values)
    session.commit()

    assert (application.id[:4], application.state, application.utm_count) == ("UAP-", "pending", 2)
    assert mails(session) == [("utm_application_received", recipient), ("utm_application_arrived", "desk@example.jp")]


def test_none_is_received_while_the_tenant_accepts_none(session, customer):
    session.add(TenantSettings(utm_applications=False))
    session.flush()

    with pytest.raises(DomainError) as refused:
        receive(session, customer)
    assert refused.value.message == utm_rules.SWITCHED_OFF


def test_ten_may_wait(session, customer):
    for _ in range(utm_rules.MAX_OPEN):
        receive(session, customer)

    with pytest.raises(DomainError) as refused:
        receive(session, customer)
    assert refused.value.message == utm_rules.TOO_MANY_OPEN


def test_a_deleted_customer_cannot_apply(session, make, customer):
    customer.deleted_at = NOW
    make.session.commit()

    with pytest.raises(Gone):
        receive(session, customer)


@pytest.mark.parametrize("approved", [True, False])
def test_a_decision_goes_to_the_applicant_alone(session, customer, make, approved):
    make.confirmed_address(make.session.get(Tenant, customer.tenant_id), "desk@example.jp")
    application = session.get_one(UtmApplication, make.utm_application(customer_row=customer).id)
    values = {"version": application.version, "now": NOW, "by": SYSTEM}

    if approved:
        utm_rules.approve(session, application, **values)
    else:
        utm_rules.deny(session, application, reason="在庫がありません。", tell_reason=True, **values)
    session.commit()

    message = session.scalars(select(MailMessage)).one()
    assert (message.kind, message.recipient) == ("utm_application_result", "hanako@example.com")
    assert ("承認" if approved else "否認") in message.body
    with pytest.raises(DomainError) as refused:
        utm_rules.approve(session, application, **values)
    assert refused.value.message == DECIDED


def test_a_customer_with_a_waiting_application_is_not_deleted(session, customer, make):
    make.utm_application(customer_row=customer)
    row = session.get_one(Customer, customer.id)

    with pytest.raises(DomainError) as refused:
        customer_rules.delete(session, row, now=NOW, by=SYSTEM)
    assert refused.value.message == customer_rules.HAS_APPLICATION
