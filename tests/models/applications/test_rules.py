"""Submitting, confirming and deciding service applications."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from models.actor import SYSTEM, Actor
from models.applications import rules
from models.applications.application import CustomerAnswer, ServiceApplication
from models.applications.rules import ApplicationInput, Decision
from models.customers.customer import Customer
from models.errors import Conflict, DomainError
from models.mail.outbox import MailMessage
from models.notifications.address import LinkState
from models.portal_users.portal_user import PortalUser
from tests.factories.applications import APPLICANT, DELIVERY

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PORTAL = "https://portal.example.jp"
USER = {"last_name": "緑川", "first_name": "四郎", "email": "shiro@example.com", "mobile": "09011112222"}


def url_of(token):
    return f"{PORTAL}/applications/confirm/{token}"


def customer_url_of(purpose, token):
    return f"https://customer.example.jp/{purpose}/{token}"


def decision(application, **values):
    return Decision(**{"version": application.version, "now": NOW, "by": SYSTEM, "portal_url": PORTAL} | values)


def approve(session, application, **values):
    return rules.approve(session, application, decision=decision(application), url_of=customer_url_of, **values)


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def session(in_tenant, tenant):
    with in_tenant(tenant.id) as session:
        yield session


@pytest.fixture
def entered(make, tenant):
    question = make.application_field(tenant=tenant)
    return ApplicationInput(APPLICANT, [DELIVERY], {question.id: "製造業"}, [USER])


def mails(session):
    return session.execute(select(MailMessage.kind, MailMessage.recipient).order_by(MailMessage.id)).all()


def load(session, application_id):
    return session.get_one(ServiceApplication, application_id)


def test_a_submitted_application_waits_for_its_link(session, entered):
    application = rules.submit(session, entered, now=NOW, url_of=url_of)
    session.commit()

    assert (application.state, application.applied_at) == ("unconfirmed", None)
    assert application.id.startswith("AAP-")
    assert application.utm_count == 2
    message = session.scalars(select(MailMessage)).one()
    assert (message.kind, message.recipient) == ("application_confirm", "jiro@example.com")
    assert message.secret not in message.body
    found = rules.look_up(session, message.secret)
    assert found is application
    assert rules.link_state(application, now=NOW + timedelta(hours=24)) == LinkState.EXPIRED


def test_confirming_sends_both_mails_once(session, entered, make, tenant):
    make.confirmed_address(tenant=tenant, address="desk@example.jp")
    application = rules.submit(session, entered, now=NOW, url_of=url_of)
    session.commit()
    by = Actor("jiro@example.com")

    states = [rules.confirm(session, application, now=NOW, by=by, portal_url=PORTAL) for _ in range(2)]
    session.commit()

    assert states == [LinkState.OPEN, LinkState.USED]
    assert (application.state, application.applied_at) == ("pending", NOW)
    assert mails(session)[1:] == [
        ("application_received", "jiro@example.com"),
        ("application_arrived", "desk@example.jp"),
    ]


def test_an_expired_link_confirms_nothing(session, entered):
    application = rules.submit(session, entered, now=NOW, url_of=url_of)
    late = NOW + timedelta(hours=24)

    assert rules.confirm(session, application, now=late, by=SYSTEM, portal_url=PORTAL) == LinkState.EXPIRED
    assert application.state == "unconfirmed"


def test_a_mailbox_gets_five_links_a_day(session, entered):
    for _ in range(rules.MAX_TO_ONE):
        rules.submit(session, entered, now=NOW, url_of=url_of)

    with pytest.raises(DomainError) as refused:
        rules.submit(session, entered, now=NOW + timedelta(hours=23), url_of=url_of)
    assert refused.value.field == "email"
    rules.submit(session, entered, now=NOW + timedelta(hours=24), url_of=url_of)


def test_unconfirmed_applications_vanish_after_24_hours(session, entered, make, tenant):
    rules.submit(session, entered, now=NOW, url_of=url_of)
    kept = make.service_application(tenant=tenant)
    session.commit()

    assert rules.remove_unconfirmed(make.session, now=NOW + timedelta(hours=23)) == 0
    assert rules.remove_unconfirmed(make.session, now=NOW + timedelta(hours=24)) == 1
    make.session.commit()
    assert session.scalars(select(ServiceApplication.id)).all() == [kept.id]
    assert make.session.scalar(text("SELECT count(*) FROM service_delivery")) == 1


def test_holding_keeps_memos_and_sends_no_mail(session, make, tenant):
    application = load(session, make.service_application(tenant=tenant).id)

    rules.hold(session, application, decision=decision(application, memos={"memo1": "電話で確認中"}))
    session.commit()
    rules.hold(session, application, decision=decision(application, memos={"memo1": "再確認"}))
    session.commit()

    assert (application.state, application.memo1) == ("held", "再確認")
    assert mails(session) == []


@pytest.mark.parametrize("state", ["pending", "held"])
def test_approving_creates_the_customer_with_users_answers_and_memos(session, make, tenant, entered, state):
    application = rules.submit(session, entered, now=NOW, url_of=url_of)
    rules.confirm(session, application, now=NOW, by=SYSTEM, portal_url=PORTAL)
    application.state = state
    session.commit()

    customer = rules.approve(
        session,
        application,
        decision=decision(application, memos={"memo1": "至急", "memo2": "", "memo3": "紹介"}),
        url_of=customer_url_of,
    )
    session.commit()

    assert (customer.name, customer.contact_email, customer.contact_title) == (
        APPLICANT["company"],
        "jiro@example.com",
        "課長",
    )
    assert (customer.memo1, customer.memo2, customer.memo3) == ("至急", "", "紹介")
    assert (application.state, application.customer_id, application.decided_at) == ("approved", customer.id, NOW)
    assert [user.email for user in customer.portal_users] == ["shiro@example.com"]
    assert [answer.value for answer in rules.customer_answers(session, customer.id)] == ["製造業"]
    assert [kind for kind, _ in mails(session)[-2:]] == ["portal_user_invited", "application_result"]
    assert customer.contracts == []


def test_approving_can_link_a_customer_and_fills_only_its_empty_memos(session, make, tenant):
    existing = make.customer(tenant=tenant, memo1="以前から", memo2="")
    application = load(session, make.service_application(tenant=tenant, memo1="新", memo2="追記").id)

    customer = approve(session, application, customer_id=existing.id)
    session.commit()

    assert customer.id == existing.id
    assert (customer.memo1, customer.memo2, customer.name) == ("以前から", "追記", existing.name)


@pytest.mark.parametrize("whose", ["another tenant's", "deleted"])
def test_only_an_own_customer_can_be_linked(session, make, tenant, whose):
    values = {"tenant": tenant, "deleted_at": NOW} if whose == "deleted" else {}
    application = load(session, make.service_application(tenant=tenant).id)

    with pytest.raises(DomainError):
        approve(session, application, customer_id=make.customer(**values).id)


@pytest.mark.parametrize("tell", [True, False])
def test_denying_tells_the_reason_only_if_wanted(session, make, tenant, tell):
    application = load(session, make.service_application(tenant=tenant).id)

    rules.deny(session, application, decision=decision(application), reason="対象地域の外です。", tell_reason=tell)
    session.commit()

    message = session.scalars(select(MailMessage)).one()
    assert ("対象地域の外です。" in message.body) is tell
    assert "否認" in message.body
    assert (application.state, application.reason) == ("denied", "対象地域の外です。")


@pytest.mark.parametrize("state", ["approved", "denied", "unconfirmed"])
@pytest.mark.parametrize("act", ["hold", "approve", "deny"])
def test_what_is_decided_or_unconfirmed_cannot_be_decided(session, make, tenant, state, act):
    application = load(session, make.service_application(tenant=tenant, state=state).id)

    acts = {"hold": rules.hold, "approve": partial(rules.approve, url_of=customer_url_of), "deny": rules.deny}

    with pytest.raises(DomainError) as refused:
        acts[act](session, application, decision=decision(application))
    assert refused.value.message == rules.DECIDED


def test_a_changed_application_is_a_conflict(session, make, tenant):
    application = load(session, make.service_application(tenant=tenant).id)

    with pytest.raises(Conflict):
        rules.hold(session, application, decision=decision(application, version=application.version - 1))


def test_two_who_decide_at_once_get_one_decision(make, tenant, in_tenant):
    for _ in range(20):
        key = make.service_application(tenant=tenant).id
        outcomes, start = [], threading.Barrier(2)

        def decide(act, key=key, outcomes=outcomes, start=start):
            with in_tenant(tenant.id) as session:
                application = load(session, key)
                start.wait()
                try:
                    if act == "approve":
                        approve(session, application)
                    else:
                        rules.deny(session, application, decision=decision(application))
                    session.commit()
                    outcomes.append(act)
                except DomainError:
                    outcomes.append("refused")

        both = [threading.Thread(target=decide, args=(act,)) for act in ("approve", "deny")]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        assert outcomes.count("refused") == 1
    counts = dict(
        make.session.execute(select(ServiceApplication.state, func.count()).group_by(ServiceApplication.state)).all()
    )
    assert make.session.scalar(select(func.count()).select_from(Customer)) == counts.get("approved", 0)
    assert make.session.scalar(select(func.count()).select_from(MailMessage)) == 20


def test_a_failing_statement_leaves_nothing(make, tenant, in_tenant, entered, engine):
    """Fail each statement of an approval in turn."""
    make.confirmed_address(tenant=tenant, address="desk@example.jp")
    with in_tenant(tenant.id) as session:
        application = rules.submit(session, entered, now=NOW, url_of=url_of)
        rules.confirm(session, application, now=NOW, by=SYSTEM, portal_url=PORTAL)
        session.commit()
        key = application.id
    before = rows(make.session)
    failing = 1
    while fails_at(engine, in_tenant, tenant, key, failing):
        assert rows(make.session) == before, failing
        failing += 1
    assert failing > 10
    assert rows(make.session)["customer"] == 1


class Broken(Exception):
    """The statement that fails."""


def fails_at(engine, in_tenant, tenant, key, number) -> bool:
    left = number

    def fail(*_args) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Broken

    event.listen(engine, "before_cursor_execute", fail)
    try:
        with in_tenant(tenant.id) as session:
            approve(session, load(session, key))
            session.commit()
    except Broken:
        return True
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    return False


def rows(session: Session) -> dict[str, int]:
    session.rollback()
    tables = ("customer", "portal_user", "portal_user_link", "customer_answer", "mail_message", "audit_entry")
    return {table: session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables}


def test_changed_answers_are_in_the_log_and_equal_ones_are_refused(session, make, tenant):
    customer = session.get_one(Customer, make.customer(tenant=tenant).id)
    question = make.application_field(tenant=tenant)
    for value in ("製造業", "小売業", ""):
        rules.change_answers(session, customer, {question.id: value}, by=SYSTEM)
        session.flush()

        with pytest.raises(DomainError):
            rules.change_answers(session, customer, {question.id: value}, by=SYSTEM)
    assert session.scalar(select(func.count()).select_from(CustomerAnswer)) == 0
    found = session.scalars(text("SELECT after FROM audit_entry ORDER BY id")).all()
    assert [list(after.values()) for after in found] == [["製造業"], ["小売業"], [""]]


def test_who_is_named_twice_is_invited_once(session, make, tenant):
    double = ApplicationInput(APPLICANT, [DELIVERY], {}, [USER, USER | {"email": "Shiro@example.com"}])
    application = rules.submit(session, double, now=NOW, url_of=url_of)
    rules.confirm(session, application, now=NOW, by=SYSTEM, portal_url=PORTAL)

    approve(session, application)

    assert session.scalar(select(func.count()).select_from(PortalUser)) == 1
