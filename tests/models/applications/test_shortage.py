"""Customers with fewer contracted UTMs than applied for, and the mail about them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from models.applications import reconciliation, shortage
from models.mail.outbox import MailMessage
from tests.factories.applications import DELIVERY

NOW = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
TODAY = date(2026, 11, 25)
OLD = NOW - timedelta(days=21)


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def session(in_tenant, tenant):
    with in_tenant(tenant.id) as session:
        yield session


def customer(make, tenant, *, applied=2, more=0, contracted=0, **values):
    row = make.customer(tenant=tenant, **{"created_at": OLD} | values)
    service = {"state": "approved", "customer_id": row.id, "tenant": tenant}
    make.service_application(deliveries=[DELIVERY | {"utm_count": applied}], **service)
    if more:
        make.utm_application(customer_row=row, state="approved", deliveries=[DELIVERY | {"utm_count": more}])
    if contracted:
        contract = make.contract(customer_row=row, start_on=date(2026, 1, 1), end_on=date(2026, 12, 31))
        make.contract_line(contract=contract, quantity=contracted, starts_on=date(2026, 1, 1))
    return row


def short(session):
    return shortage.short_customers(session, today=TODAY, now=NOW)


@pytest.mark.parametrize(
    ("values", "is_short"),
    [
        ({}, True),
        ({"contracted": 1}, True),
        ({"contracted": 2}, False),
        ({"contracted": 2, "more": 1}, True),
        ({"contracted": 3, "more": 1}, False),
        ({"created_at": NOW - timedelta(days=20)}, False),
        ({"shortage_exemption": "年末にまとめて契約"}, False),
        ({"deleted_at": NOW}, False),
    ],
)
def test_which_customers_are_short(make, tenant, session, values, is_short):
    row = customer(make, tenant, **values)

    assert short(session) == ([row.id] if is_short else [])


def test_applications_that_are_not_approved_do_not_count(make, tenant, session):
    row = make.customer(tenant=tenant, created_at=OLD)
    make.utm_application(customer_row=row)
    make.service_application(tenant=tenant, state="denied")

    assert short(session) == []


def test_the_mail_is_sent_when_the_list_changes(make, tenant, session):
    first = customer(make, tenant)
    assert not shortage.notify(session, today=TODAY, now=NOW), "There is no address to mail it to."
    make.confirmed_address(tenant, "desk@example.jp")

    assert shortage.notify(session, today=TODAY, now=NOW)
    session.commit()
    assert not shortage.notify(session, today=TODAY, now=NOW)
    second = customer(make, tenant)
    assert shortage.notify(session, today=TODAY, now=NOW)
    session.commit()

    bodies = session.scalars(select(MailMessage.body).order_by(MailMessage.id)).all()
    assert [first.id in body for body in bodies] == [True, True]
    assert [second.id in body for body in bodies] == [False, True]


def test_a_shortage_that_ends_and_begins_again_is_mailed_again(make, tenant, session):
    make.confirmed_address(tenant, "desk@example.jp")
    row = make.session.merge(customer(make, tenant))
    results = []
    for exemption in ("", "猶予", ""):
        row.shortage_exemption = exemption
        make.session.commit()
        results.append(shortage.notify(session, today=TODAY, now=NOW))
        session.commit()

    assert results == [True, False, True]


def test_mismatches_keep_their_first_day_until_they_end(make, tenant, session):
    row = make.session.merge(customer(make, tenant, applied=1, contracted=1))
    make.customer(tenant=tenant)
    for days in range(2):
        reconciliation.record_mismatches(session, today=TODAY + timedelta(days=days))
        session.commit()

    found = session.scalars(select(reconciliation.UtmMismatch)).one()
    assert (found.customer_id, found.since) == (row.id, TODAY)
    make.utm(customer_row=row)
    reconciliation.record_mismatches(session, today=TODAY)
    assert session.scalars(select(reconciliation.UtmMismatch)).all() == []


def test_a_customer_without_an_application_agrees_when_its_utms_are_contracted(make, tenant, session):
    row = make.customer(tenant=tenant)
    contract = make.contract(customer_row=row, start_on=date(2026, 1, 1), end_on=date(2026, 12, 31))
    make.contract_line(contract=contract, starts_on=date(2026, 1, 1))
    make.utm(customer_row=row)

    reconciliation.record_mismatches(session, today=TODAY)

    assert session.scalars(select(reconciliation.UtmMismatch)).all() == []
