"""The log of all mail: what is looked for, how pages turn, and sending again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from models.actor import Actor
from models.audit import AuditEntry
from models.errors import DomainError
from models.mail import log as mail_log
from models.mail import outbox, placeholders
from models.mail.kinds import KINDS
from models.mail.log import MailQuery
from models.mail.outbox import MailMessage, MailState
from models.scope import all_tenants

pytestmark = pytest.mark.usefixtures("context")

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
STAFF = Actor("staff@example.jp", user_id=7, address="192.0.2.1")


@pytest.fixture
def session(app):
    with app.app_context(), all_tenants("a test of the mail log") as session:
        yield session


@pytest.fixture
def mails(make) -> dict[str, MailMessage]:
    tenant = make.tenant(name="いろは")
    return {
        "locked": make.mail_message(recipient="Hanako@one.example.jp"),
        "made": make.mail_message(
            kind="contract_made", recipient="desk@two.example.jp", tenant_id=tenant.id, state="sent"
        ),
        "failed": make.mail_message(recipient="100%_off@two.example.jp", tenant_id=tenant.id, state="failed"),
    }


def found(session, mails, **query) -> list[str]:
    names = {message.id: name for name, message in mails.items()}
    return [names[row.id] for row in mail_log.page(session, MailQuery(**query)).rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["failed", "made", "locked"]),
        ({"recipient": "EXAMPLE.jp"}, ["failed", "made", "locked"]),
        ({"recipient": "hanako"}, ["locked"]),
        ({"recipient": "100%"}, ["failed"]),
        ({"recipient": "0%_o"}, ["failed"]),
        ({"recipient": "%_%"}, []),
        ({"recipient": "nobody"}, []),
        ({"kind": "contract_made"}, ["made"]),
        ({"state": MailState.PENDING}, ["locked"]),
        ({"state": MailState.FAILED}, ["failed"]),
        ({"state": MailState.SENT, "recipient": "two."}, ["made"]),
        ({"tenant_id": "T8000000"}, ["failed", "made"]),
        ({"tenant_id": "T8000000", "kind": "account_locked"}, ["failed"]),
        ({"tenant_id": "T9999999"}, []),
    ],
)
def test_every_condition_narrows(session, mails, query, expected):
    assert found(session, mails, **query) == expected
    assert mail_log.capped_count(session, MailQuery(**query)) == len(expected)


def test_a_row_says_which_tenant_it_is_about(session, mails):
    rows = mail_log.page(session, MailQuery()).rows

    assert [(row.tenant_id, row.tenant_name) for row in rows] == [
        ("T8000000", "いろは"),
        ("T8000000", "いろは"),
        (None, None),
    ]


@pytest.mark.parametrize("recipient", [None, "example", "rare"])
def test_pages_turn_both_ways_and_show_every_row_once(session, make, recipient, monkeypatch):
    # A few rows near the page's beginning, so that both ways of looking for an address are gone.
    monkeypatch.setattr(mail_log, "NEAR", 4)
    for number in range(23):
        make.mail_message(recipient=f"{'rare' if number % 3 == 0 else 'often'}{number}@example.com")
    query = MailQuery(recipient=recipient)
    wanted = [row.id for row in mail_log.page(session, query, size=100).rows]
    assert len(wanted) == (8 if recipient == "rare" else 23)

    pages, position = [], None
    while True:
        page = mail_log.page(session, query, position=position, size=5)
        pages.append([row.id for row in page.rows])
        assert page.has_previous == (position is not None)
        if not page.has_next:
            break
        position = pages[-1][-1]
    back = mail_log.page(session, query, position=pages[-1][0], backwards=True, size=5)

    assert [number for page in pages for number in page] == wanted
    assert [row.id for row in back.rows] == pages[-2]
    assert back.has_next
    assert mail_log.capped_count(session, query) == len(wanted)


def test_rows_written_meanwhile_move_no_page(session, make):
    for _ in range(12):
        make.mail_message()
    first = mail_log.page(session, MailQuery(), size=5).rows
    make.mail_message()
    second = mail_log.page(session, MailQuery(), position=first[-1].id, size=5).rows

    assert [row.id for row in first] == [12, 11, 10, 9, 8]
    assert [row.id for row in second] == [7, 6, 5, 4, 3]


def test_counting_ends_past_the_cap(session, make, monkeypatch):
    monkeypatch.setattr(mail_log, "COUNT_CAP", 3)
    for _ in range(6):
        make.mail_message()

    assert mail_log.capped_count(session, MailQuery()) == 4
    assert mail_log.capped_count(session, MailQuery(recipient="example")) == 4


def test_every_kind_has_a_name():
    assert len(KINDS) == 36
    assert [kind.name for kind in KINDS.values() if kind.label == kind.name] == []
    assert [kind.name for kind in KINDS.values() if bool(kind.title) == bool(kind.fixed_title)] == []


def test_a_failed_mail_gets_all_its_attempts_again_and_the_audit_log_says_who(session, make):
    failed = make.mail_message(
        state="failed", attempts=5, last_error="550 no", lease_owner="0" * 32, lease_until=NOW + timedelta(minutes=4)
    )
    message = session.get(MailMessage, failed.id)

    outbox.send_again(session, message, now=NOW, by=STAFF)
    session.commit()

    assert (message.state, message.attempts, message.next_attempt_at) == ("pending", 0, NOW)
    assert (message.lease_owner, message.lease_until, message.message_id) == (None, None, failed.message_id)
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor, entry.subject_type, entry.subject_id) == (
        "mail.sent_again",
        "staff@example.jp",
        "MailMessage",
        str(failed.id),
    )


def test_a_sent_mail_is_sent_as_a_copy_of_its_own(session, make):
    tenant = make.tenant()
    sent = make.mail_message(state="sent", attempts=1, sent_at=NOW, tenant_id=tenant.id, subject="件名", body="本文")

    outbox.send_again(session, session.get(MailMessage, sent.id), now=NOW, by=STAFF)
    session.commit()

    copy = session.scalars(select(MailMessage).where(MailMessage.resent_from == sent.id)).one()
    assert (copy.state, copy.subject, copy.body, copy.tenant_id) == ("pending", "件名", "本文", tenant.id)
    assert copy.message_id != sent.message_id
    assert session.get(MailMessage, sent.id).state == "sent"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "pending"}, outbox.NOT_FAILED),
        (
            {"state": "sent", "body": f"https://portal.example/{placeholders.SECRET_MARK}"},
            outbox.RESEND_NEEDS_A_NEW_LINK,
        ),
    ],
)
def test_what_waits_and_what_held_a_used_link_is_not_sent_again(session, make, values, words):
    message = session.get(MailMessage, make.mail_message(**values).id)

    with pytest.raises(DomainError) as refused:
        outbox.send_again(session, message, now=NOW, by=STAFF)

    assert refused.value.message == message.refusal == words
    assert session.scalars(select(AuditEntry)).all() == []


def test_a_failed_mail_keeps_its_link_and_can_be_sent_again(session, make):
    message = session.get(
        MailMessage, make.mail_message(state="failed", body=f"x/{placeholders.SECRET_MARK}", secret="token").id
    )

    outbox.send_again(session, message, now=NOW, by=STAFF)

    assert (message.state, message.secret) == ("pending", "token")


@pytest.mark.parametrize("state", ["failed", "sent"])
def test_of_two_people_who_send_a_mail_again_at_once_one_does(app, make, session, state):
    made = make.mail_message(state=state, attempts=1)
    begin, outcomes = Barrier(2), []

    def press() -> None:
        with app.app_context(), all_tenants("a test of a race") as own:
            message = own.get(MailMessage, made.id)
            seen = outbox.stamp(message, outbox.copies(own, message))
            begin.wait()
            try:
                outbox.send_again(own, message, now=NOW, by=STAFF, seen=seen)
                own.commit()
                outcomes.append("sent")
            except DomainError as refused:
                outcomes.append(refused.message)

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == sorted(["sent", outbox.SENT_AGAIN_ALREADY])
    assert len(session.scalars(select(AuditEntry)).all()) == 1
    assert len(outbox.copies(session, made)) == (1 if state == "sent" else 0)


def test_all_failed_ones_of_a_query_are_sent_again_oldest_first_up_to_a_limit(session, make, monkeypatch):
    monkeypatch.setattr(mail_log, "MAX_AT_ONCE", 2)
    ours = [make.mail_message(state="failed", kind="contract_made") for _ in range(3)]
    other, sent = make.mail_message(state="failed"), make.mail_message(state="sent", kind="contract_made")
    query = MailQuery(kind="contract_made")

    counts = []
    for _ in range(3):
        counts.append(mail_log.send_failed_again(session, query, now=NOW, by=STAFF))
        session.commit()
        if len(counts) == 1:
            waiting = session.scalars(select(MailMessage.id).where(MailMessage.state == "pending")).all()
            assert sorted(waiting) == [ours[0].id, ours[1].id]

    assert counts == [2, 1, 0]
    states = {each.id: each.state for each in session.scalars(select(MailMessage))}
    assert (states[other.id], states[sent.id]) == ("failed", "sent")
    assert len(session.scalars(select(AuditEntry)).all()) == 3


def test_two_people_who_send_all_failed_ones_again_send_each_once(app, make):
    for _ in range(20):
        make.mail_message(state="failed")
    begin, counts = Barrier(2), []

    def press() -> None:
        with app.app_context(), all_tenants("a test of a race") as own:
            begin.wait()
            counts.append(mail_log.send_failed_again(own, MailQuery(), now=NOW, by=STAFF))
            own.commit()

    threads = [Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(counts) == 20
    assert len(make.session.scalars(select(AuditEntry)).all()) == 20
