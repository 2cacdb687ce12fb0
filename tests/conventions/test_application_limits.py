"""The limits of applications and portal users hold when sixteen people act at the same moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from models.actor import SYSTEM
from models.applications import rules, utm_rules
from models.applications.rules import ApplicationInput
from models.applications.utm_rules import UtmApplicationInput
from models.customers.customer import Customer
from models.portal_users import rules as portal_user_rules
from models.portal_users.portal_user import PortalUser
from models.portal_users.rules import PortalUserChange
from tests.factories.applications import APPLICANT, DELIVERY
from tests.support.concurrency import MANY, outcomes

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
REQUEST = PortalUserChange(NOW, SYSTEM, lambda purpose, token: f"https://customer.example.jp/{purpose}/{token}")


@pytest.fixture
def customer(make):
    return make.customer()


def test_a_mailbox_gets_five_links_a_day(engine, customer):
    def submit(session, _number):
        entered = ApplicationInput(APPLICANT, [DELIVERY])
        rules.submit(session, entered, now=NOW, url_of=lambda token: f"https://portal.example.jp/{token}")

    limit = rules.MAX_TO_ONE
    assert outcomes(engine, customer.tenant_id, submit) == {"done": limit, rules.TOO_MANY_TO_ONE: MANY - limit}


def test_ten_utm_applications_of_a_customer_wait(engine, customer):
    def receive(session, _number):
        row = session.get_one(Customer, customer.id)
        entered = UtmApplicationInput([DELIVERY])
        utm_rules.receive(session, row, entered, now=NOW, by=SYSTEM, portal_url="https://portal.example.jp")

    limit = utm_rules.MAX_OPEN
    assert outcomes(engine, customer.tenant_id, receive) == {"done": limit, utm_rules.TOO_MANY_OPEN: MANY - limit}


def test_a_mailbox_gets_five_mails_about_utm_applications_a_day_from_the_forms_of_all_customers(engine, customer, make):
    other = make.customer(tenant_id=customer.tenant_id)

    def receive(session, number):
        row = session.get_one(Customer, (customer, other)[number % 2].id)
        entered = UtmApplicationInput([DELIVERY], "青空 三郎", ("saburo@example.com", "Saburo@example.com")[number % 2])
        utm_rules.receive(session, row, entered, now=NOW, by=SYSTEM, portal_url="https://portal.example.jp")

    limit = utm_rules.MAX_TO_ONE
    assert outcomes(engine, customer.tenant_id, receive) == {"done": limit, rules.TOO_MANY_TO_ONE: MANY - limit}


def test_a_portal_user_gets_five_password_resets_an_hour_by_mail_and_sms_together(engine, customer, make):
    user = make.portal_user(customer_row=customer, signed_up_at=NOW, mobile="09012345678")

    def reset_at(now):
        request = PortalUserChange(now, SYSTEM, REQUEST.url_of)

        def reset(session, number):
            row = session.get_one(PortalUser, user.id)
            portal_user_rules.reset_password(session, row, request=request, by_sms=number % 2 == 0)

        return reset

    limit = portal_user_rules.MAX_RESETS
    refused = {portal_user_rules.TOO_MANY_RESETS: MANY - limit}
    assert outcomes(engine, customer.tenant_id, reset_at(NOW)) == {"done": limit} | refused
    assert outcomes(engine, customer.tenant_id, reset_at(NOW + timedelta(hours=1))) == {"done": limit} | refused


def test_a_customer_has_a_hundred_portal_users(engine, customer, make):
    for _ in range(portal_user_rules.MAX_USERS - 4):
        make.portal_user(customer_row=customer)

    def create(session, number):
        values = {"last_name": "青空", "first_name": "六郎", "email": f"rokuro{number}@example.com", "mobile": ""}
        portal_user_rules.create(session, session.get_one(Customer, customer.id), values, request=REQUEST)

    assert outcomes(engine, customer.tenant_id, create) == {"done": 4, portal_user_rules.TOO_MANY: MANY - 4}


def test_an_address_is_given_to_one_user_of_a_customer(engine, customer, make):
    def create(session, _number):
        values = {"last_name": "青空", "first_name": "六郎", "email": "rokuro@example.com", "mobile": ""}
        portal_user_rules.create(session, session.get_one(Customer, customer.id), values, request=REQUEST)

    found = outcomes(engine, customer.tenant_id, create)
    assert found == {"done": 1, portal_user_rules.TAKEN_EMAIL: MANY - 1}
    assert make.session.scalar(select(func.count()).select_from(PortalUser)) == 1
