"""Portal users and the links mailed to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from models.actor import SYSTEM
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.errors import DomainError, Gone
from models.mail.outbox import MailMessage
from models.portal_users import rules
from models.portal_users.portal_user import PortalUser, SignUpState
from models.portal_users.rules import PortalUserChange

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
VALUES = {"last_name": "青空", "first_name": "みどり", "email": "midori@example.com", "mobile": "09012345678"}
REQUEST = PortalUserChange(NOW, SYSTEM, lambda purpose, token: f"https://customer.example.jp/{purpose}/{token}")


@pytest.fixture
def customer(make):
    return make.customer()


@pytest.fixture
def session(in_tenant, customer):
    with in_tenant(customer.tenant_id) as session:
        yield session


def create(session, customer, **values):
    row = session.get_one(Customer, customer.id)
    user = rules.create(session, row, VALUES | values, request=REQUEST)
    session.commit()
    return user


def newest_token(session):
    return session.scalars(select(MailMessage.secret).order_by(MailMessage.id.desc()).limit(1)).one()


def test_a_new_user_is_mailed_a_link_for_seven_days(session, customer):
    user = create(session, customer)

    message = session.scalars(select(MailMessage)).one()
    assert (message.kind, message.recipient) == ("portal_user_invited", "midori@example.com")
    assert user.id in message.body
    assert "2026-12-01" in message.body
    assert message.secret not in message.body
    assert user.sign_up_state(now=NOW) == SignUpState.OPEN
    assert user.sign_up_state(now=NOW + timedelta(days=7)) == SignUpState.EXPIRED


def test_a_link_tells_once_whom_it_is_for(session, customer):
    user = create(session, customer)
    token = newest_token(session)

    link = rules.verify_link(session, token, now=NOW)
    assert link.user.id == user.id
    assert rules.verify_link(session, token, now=NOW) is None
    assert rules.verify_link(session, "psu_invented", now=NOW) is None


@pytest.mark.parametrize("end", ["expired", "deleted", "sent again", "other address", "customer deleted"])
def test_a_link_that_has_ended_tells_nothing(session, customer, end):
    user = create(session, customer)
    token = newest_token(session)
    now = NOW
    if end == "expired":
        now += timedelta(days=7)
    elif end == "deleted":
        rules.delete(session, user, now=NOW, by=SYSTEM)
    elif end == "sent again":
        rules.send_again(session, user, request=REQUEST)
    elif end == "customer deleted":
        customer_rules.delete(session, session.get_one(Customer, customer.id), now=NOW, by=SYSTEM)
    else:
        rules.change(session, user, {"email": "new@example.com"}, version=user.version, request=REQUEST)
    session.commit()

    assert rules.verify_link(session, token, now=now) is None


def test_another_address_before_the_sign_up_is_mailed_a_new_link(session, customer):
    user = create(session, customer)

    rules.change(session, user, {"email": "new@example.com"}, version=user.version, request=REQUEST)
    session.commit()

    assert session.scalars(select(MailMessage.recipient).order_by(MailMessage.id)).all() == [
        "midori@example.com",
        "new@example.com",
    ]
    assert rules.verify_link(session, newest_token(session), now=NOW).user is user


def test_after_the_sign_up_it_is_not(session, customer):
    user = create(session, customer)
    rules.record_password_set(session, user, now=NOW, by=SYSTEM)

    rules.change(session, user, {"email": "new@example.com"}, version=user.version, request=REQUEST)
    session.commit()

    assert len(session.scalars(select(MailMessage.id)).all()) == 1
    assert user.sign_up_state(now=NOW + timedelta(days=99)) == SignUpState.DONE
    with pytest.raises(DomainError):
        rules.send_again(session, user, request=REQUEST)


def test_an_address_is_used_once_by_a_customer(session, customer, make):
    create(session, customer)
    other = make.portal_user(customer_row=customer, email="other@example.com")

    with pytest.raises(DomainError) as refused:
        create(session, customer, email="Midori@example.com")
    assert refused.value.field == "email"
    row = session.get_one(PortalUser, other.id)
    with pytest.raises(DomainError):
        rules.change(session, row, {"email": "midori@example.com"}, version=row.version, request=REQUEST)


def test_nothing_changed_is_refused(session, customer):
    user = create(session, customer)

    with pytest.raises(DomainError):
        rules.change(session, user, dict(VALUES), version=user.version, request=REQUEST)


def test_a_reset_needs_a_sign_up_and_lasts_an_hour(session, customer):
    user = create(session, customer)
    with pytest.raises(DomainError):
        rules.reset_password(session, user, request=REQUEST)
    rules.record_password_set(session, user, now=NOW, by=SYSTEM)

    rules.reset_password(session, user, request=REQUEST)
    session.commit()

    token = newest_token(session)
    assert rules.verify_link(session, token, now=NOW + timedelta(hours=1)) is None
    assert rules.verify_link(session, token, now=NOW + timedelta(minutes=59)).purpose == "reset"


def test_sign_ins_are_noted(session, customer):
    user = create(session, customer)
    rules.record_sign_in(session, user, now=NOW)
    rules.record_sign_in(session, user, now=NOW + timedelta(days=1))

    assert (user.first_sign_in_at, user.last_sign_in_at) == (NOW, NOW + timedelta(days=1))
    rules.delete(session, user, now=NOW, by=SYSTEM)
    with pytest.raises(Gone):
        rules.record_sign_in(session, user, now=NOW)


def test_old_links_are_removed(session, customer, make):
    create(session, customer)

    rules.remove_old_links(make.session, now=NOW + timedelta(days=7))

    assert make.session.scalar(text("SELECT count(*) FROM portal_user_link")) == 0
