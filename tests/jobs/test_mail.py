"""Sending what waits in the outbox: once, again after waits, and in the end told as failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
import time_machine
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from jobs.mail import BATCH, send_due, sweep
from models.db import db
from models.mail import outbox
from models.mail.outbox import MailMessage, MailState
from models.mail.sending import LEASE, MailClaim, mail_connection
from models.scope import all_tenants
from tests.support.mail_sink import Sink, free_port, listening

pytestmark = pytest.mark.usefixtures("context")

NOON = datetime(2026, 11, 22, 3, 0, 0, tzinfo=UTC)
LOCKED = {"Email": "hanako@example.jp", "PortalUrl": "https://portal.example.jp"}


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def silent(app, monkeypatch) -> Sink:
    """A mail server that is set in the portal and does not listen yet."""
    sink = Sink(free_port())
    state = app.extensions["mail"]
    for name, value in {"server": "127.0.0.1", "port": sink.port, "suppress": False}.items():
        monkeypatch.setattr(state, name, value)
    return sink


@pytest.fixture
def sink(silent) -> Sink:
    with listening(silent):
        yield silent


def write(*recipients: str, now: datetime = NOON) -> None:
    with Session(db.engine) as session, session.begin():
        outbox.write(session, "account_locked", recipients, LOCKED, now=now)


def rows() -> list[MailMessage]:
    with all_tenants(reason="a test looks") as session:
        return list(session.scalars(select(MailMessage).order_by(MailMessage.id)))


def test_what_waits_is_sent_once_with_its_own_message_id(clock, sink):
    write("one@example.jp", "two@example.jp")

    send_due()
    sweep()

    assert sorted(sink.recipients) == ["one@example.jp", "two@example.jp"]
    sent = rows()
    assert [(row.state, row.attempts, row.sent_at) for row in sent] == [("sent", 1, NOON)] * 2
    assert {message["Message-ID"] for message in sink.messages} == {f"<{row.message_id}@example.jp>" for row in sent}
    assert {message["Auto-Submitted"] for message in sink.messages} == {"auto-generated"}
    assert {message["From"] for message in sink.messages} == {"no-reply@example.jp"}
    assert {message["Subject"] for message in sink.messages} == {"【見守りサービス】アカウントロックアウト通知"}


def test_undeliverable_mail_returns_to_the_sender_or_to_the_address_that_is_set(app, clock, sink, monkeypatch):
    for address in ("", "returned@example.jp"):
        monkeypatch.setitem(app.config, "BOUNCE_ADDRESS", address)
        write("one@example.jp")
        send_due()

    assert sink.senders == ["no-reply@example.jp", "returned@example.jp"]


def test_what_is_rolled_back_is_not_sent(clock, sink, waiting):
    with Session(db.engine) as session:
        outbox.write(session, "account_locked", "one@example.jp", LOCKED, now=NOON)
        session.rollback()
        session.commit()

    send_due()

    assert (sink.raw, rows(), waiting()["default"]) == ([], [], [])


def test_a_commit_wakes_the_sender(clock, waiting):
    write("one@example.jp")

    assert waiting()["default"] == ["jobs.mail.send_due"]


def test_a_full_batch_calls_for_another_worker_and_all_are_sent(clock, sink, waiting):
    write(*(f"user{number}@example.jp" for number in range(BATCH + 1)))

    send_due()

    assert len(set(sink.recipients)) == len(sink.recipients) == BATCH + 1
    assert waiting()["default"] == ["jobs.mail.send_due"] * 2


def test_a_batch_is_no_larger_than_its_limit_whatever_the_plan(clock):
    write(*(f"user{number}@example.jp" for number in range(5)))
    with mail_connection() as connection:
        # Without these, the planner would run a subquery again for each message.
        for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
            connection.exec_driver_sql(f"SET enable_{way} = off")
        connection.commit()
        claimed = MailClaim(connection).claim(now=NOON, limit=3)
        connection.exec_driver_sql("RESET ALL")
        connection.commit()

    assert len(claimed) == 3


def test_a_server_that_is_away_is_tried_after_1_5_15_and_60_minutes_and_then_it_has_failed(clock, silent):
    write("one@example.jp")
    waits = []
    for _ in range(5):
        send_due()
        (row,) = rows()
        if row.state == MailState.PENDING:
            waits.append(row.next_attempt_at - datetime.now(UTC))
            clock.move_to(row.next_attempt_at - timedelta(seconds=1))
            send_due()
            assert rows()[0].attempts == row.attempts, "it was tried too early"
            clock.move_to(row.next_attempt_at)

    assert waits == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
    assert (row.state, row.attempts, row.lease_owner) == ("failed", 5, None)
    assert "Connection refused" in row.last_error

    with listening(silent):
        clock.shift(timedelta(days=1))
        send_due()

    assert silent.raw == []


def test_what_the_server_was_away_for_arrives_once_it_is_back(clock, silent):
    write("one@example.jp")
    send_due()
    clock.shift(timedelta(minutes=1))

    with listening(silent):
        send_due()

    assert silent.recipients == ["one@example.jp"]
    assert (rows()[0].state, rows()[0].attempts, rows()[0].last_error) == ("sent", 2, None)


@pytest.mark.parametrize("asked", ["on_recipient", "on_data"])
def test_451_is_tried_again_and_550_is_not(clock, sink, asked):
    answers = {"busy@example.jp": "451 4.3.0 Try again later", "gone@example.jp": "550 5.1.1 No such user here"}
    setattr(sink, asked, answers.get)
    write("busy@example.jp", "gone@example.jp", "good@example.jp")

    send_due()

    busy, gone, good = rows()
    assert (busy.state, busy.last_error) == ("pending", "451 4.3.0 Try again later")
    assert busy.next_attempt_at == NOON + timedelta(minutes=1)
    assert (gone.state, gone.attempts, gone.last_error) == ("failed", 1, "550 5.1.1 No such user here")
    assert (good.state, sink.recipients) == ("sent", ["good@example.jp"])

    answers.clear()
    clock.shift(timedelta(minutes=1))
    send_due()

    assert [row.state for row in rows()] == ["sent", "failed", "sent"]
    assert sink.recipients == ["good@example.jp", "busy@example.jp"]


def test_421_ends_the_connection_and_the_others_go_over_a_new_one(clock, sink):
    sink.on_data = {"first@example.jp": "421 4.3.2 Closing"}.get
    write("first@example.jp", "second@example.jp")

    send_due()

    first, second = rows()
    assert (first.state, first.attempts, first.last_error) == ("pending", 1, "421 4.3.2 Closing")
    assert (second.state, second.attempts) == ("sent", 1)


def test_two_workers_at_once_send_each_message_once(app, sink):
    write(*(f"user{number}@example.jp" for number in range(3 * BATCH)), now=datetime.now(UTC))
    together = Barrier(2)

    def work():
        together.wait()
        with app.app_context():
            send_due()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(set(sink.recipients)) == len(sink.recipients) == 3 * BATCH
    assert {row.attempts for row in rows()} == {1}


def test_a_claim_is_passed_over_while_it_holds_and_taken_over_afterwards(clock):
    write("one@example.jp")
    with mail_connection() as connection:
        first, second = MailClaim(connection), MailClaim(connection)
        (mail,) = first.claim(now=NOON, limit=10)
        assert second.claim(now=NOON + LEASE - timedelta(seconds=1), limit=10) == []
        assert second.claim(now=NOON + LEASE, limit=10) == [mail]

        assert first.begin(mail, now=NOON + LEASE) is False
        assert second.begin(mail, now=NOON + LEASE) is True


def test_a_row_that_is_being_claimed_is_passed_over(clock, engine):
    write("one@example.jp", "two@example.jp")
    with all_tenants(reason="one worker is just claiming") as one, mail_connection() as connection:
        one.scalars(select(MailMessage).order_by(MailMessage.id).limit(1).with_for_update()).one()
        (mail,) = MailClaim(connection).claim(now=NOON, limit=10)

    assert mail.recipient == "two@example.jp"


def test_between_its_steps_the_connection_is_one_like_any_other(clock):
    write("one@example.jp")
    state = text("SELECT current_user, current_setting('synchronous_commit')")
    with mail_connection() as connection:
        (mail,) = MailClaim(connection).claim(now=NOON, limit=10)
        with connection.begin():
            between = tuple(connection.execute(state).one())
    with Session(db.engine) as session:
        later = tuple(session.execute(state).one())

    assert mail.recipient == "one@example.jp"
    assert between == later == ("portal_app", "on")


def test_a_message_that_ends_its_worker_each_time_fails_in_the_end(clock, sink):
    write("one@example.jp")
    with all_tenants(reason="a test plays workers that die") as session:
        session.execute(update(MailMessage).values(attempts=5))
        session.commit()

    send_due()

    assert sink.raw == []
    assert (rows()[0].state, rows()[0].last_error) == ("failed", "sending was interrupted repeatedly")


def test_the_secret_of_a_link_reaches_the_recipient_and_stays_nowhere(app, clock, sink):
    values = {"TenantName": "見本テナント", "Url": "https://portal.example.jp/confirm/abc123SECRET"}
    with Session(db.engine) as session, session.begin():
        outbox.write(session, "address_confirmation", "one@example.jp", values, now=NOON, secret="abc123SECRET")
    assert "abc123SECRET" not in rows()[0].body
    assert "https://portal.example.jp/confirm/…" in rows()[0].shown_body

    send_due()

    assert values["Url"] in sink.messages[0].get_content()
    (row,) = rows()
    assert (row.secret, "abc123SECRET" in row.body) == (None, False)


def test_the_demonstration_keeps_the_secret_so_that_its_readers_can_follow_the_link(app, clock, sink, monkeypatch):
    monkeypatch.setitem(app.config, "PORTAL_DEMO", True)
    values = {"TenantName": "見本テナント", "Url": "https://portal.example.jp/confirm/abc123SECRET"}
    with Session(db.engine) as session, session.begin():
        outbox.write(session, "address_confirmation", "one@example.jp", values, now=NOON, secret="abc123SECRET")

    send_due()

    assert rows()[0].secret == "abc123SECRET"
