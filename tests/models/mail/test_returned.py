"""What notifications about undeliverable mail say."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import clock
from models.mail import returned
from models.mail.outbox import MailMessage
from tests.support.returned_mail import JUNK, encoded, exchange, postfix, without_status

OURS = uuid.UUID("11111111-2222-4333-8444-555555555555")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        pytest.param(postfix(OURS), "5.1.1", id="Postfix"),
        pytest.param(postfix(OURS).replace(b"\n", b"\r\n"), "5.1.1", id="Postfix, as on the wire"),
        pytest.param(exchange(OURS), "5.1.10", id="Exchange"),
        pytest.param(encoded(OURS), "5.2.1", id="internationalized, in base64"),
        pytest.param(without_status(OURS), "5.0.0", id="only a reply code"),
        pytest.param(postfix(OURS, status="4.4.1"), "4.4.1", id="given up after a temporary failure"),
        pytest.param(postfix(OURS, action="delayed", status="5.1.1"), "4.1.1", id="delayed"),
    ],
)
def test_notifications_of_several_mail_servers_are_read(content, status):
    found = returned.read(content)

    assert found.status == status
    assert found.message_ids[0] == OURS


def test_the_reason_is_what_the_mail_server_said_in_one_line():
    assert returned.read(postfix(OURS)).reason == (
        "smtp; 550 5.1.1 <gone@example.com>: Recipient address rejected: User unknown"
    )


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_notification_of_success_is_none_of_a_failure(action):
    assert returned.read(postfix(OURS, action=action, status="2.0.0")) is None


@pytest.mark.parametrize("content", JUNK)
def test_other_mail_is_no_notification(content):
    assert returned.read(content) is None


@given(st.binary(max_size=60), st.integers(0, 1500), st.integers(0, 60))
def test_a_damaged_notification_never_raises(junk, at, cut):
    content = exchange(OURS)

    returned.read(content[:at] + junk + content[at + cut :])


@pytest.mark.parametrize(
    ("statuses", "noted"),
    [(["5.1.1"], "5.1.1"), (["4.4.1", "5.1.1"], "5.1.1"), (["5.1.1", "4.4.1"], "5.1.1"), (["5.1.1", "5.2.2"], "5.1.1")],
)
def test_the_first_permanent_failure_of_a_mail_counts(make, engine, in_tenant, statuses, noted):
    mail, other = make.mail(state="sent"), make.mail(state="sent")

    for status in statuses:
        notification = returned.read(postfix(mail.message_id, status=status))
        with in_tenant("*") as session, session.begin():
            assert returned.note(session, notification, now=clock.utc_now())

    make.session.expire_all()
    assert make.session.get(MailMessage, mail.id).return_status == noted
    assert make.session.get(MailMessage, other.id).returned_at is None


def test_a_notification_about_somebody_elses_mail_changes_nothing(make, in_tenant):
    mail = make.mail(state="sent")

    with in_tenant("*") as session, session.begin():
        assert not returned.note(session, returned.read(postfix(OURS)), now=clock.utc_now())

    make.session.expire_all()
    assert make.session.get(MailMessage, mail.id).returned_at is None
