"""SMS leave their outbox through the gateway, at least once and without their secret in a log."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, text

from app.background import enqueue_after_commit
from jobs import sms as job
from models import after_commit
from models.actor import SYSTEM
from models.mail import sms, template_rules
from models.mail.kinds import KINDS, MailText
from models.mail.sms import SmsMessage

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TOKEN = "prs_" + "s" * 43
URL = f"https://customer.example.jp/password-reset/{TOKEN}"


class Gateway:
    """Takes messages, or refuses them."""

    def __init__(self):
        self.sent = []
        self.error = None

    def send(self, message):
        if self.error is not None:
            raise self.error
        self.sent.append((message.recipient, message.body))


@pytest.fixture
def gateway(monkeypatch):
    gateway = Gateway()
    monkeypatch.setitem(job.BACKENDS, "log", lambda: gateway)
    return gateway


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def write(context, in_tenant, tenant):
    def put(recipient="09012345678", **values):
        with in_tenant(tenant.id) as session:
            sms.write(session, "password_reset_sms", recipient, {"Url": URL}, now=NOW, secret=TOKEN, **values)
            session.commit()

    return put


def run(at=NOW):
    with time_machine.travel(at, tick=False):
        job.send_due()


def rows(make):
    make.session.rollback()
    make.session.expire_all()
    return make.session.scalars(select(SmsMessage).order_by(SmsMessage.id)).all()


def test_a_message_is_sent_once_and_then_forgets_its_secret(make, write, gateway):
    write()
    assert TOKEN not in rows(make)[0].body

    run()
    run()

    (row,) = rows(make)
    assert gateway.sent == [("09012345678", f"見守りサービス: 次のページで新しいパスワードを決めてください。\n{URL}\n")]
    assert (row.state, row.sent_at, row.secret) == ("sent", NOW, None)
    assert row.shown_body.endswith("/password-reset/…\n")


def test_a_tenants_own_text_is_sent(in_tenant, tenant, write, gateway):
    with in_tenant(tenant.id) as session:
        own = MailText(None, "こちらへ {{Url}}")
        template_rules.save(session, tenant.id, KINDS["password_reset_sms"], own, version=0, by=SYSTEM)
        session.commit()
    write()

    run()

    assert [body.strip() for _, body in gateway.sent] == [f"こちらへ {URL}"]


def test_the_log_names_the_kind_and_the_end_of_the_number_alone(write, caplog):
    write()

    with caplog.at_level(logging.INFO):
        run()

    (record,) = [each for each in caplog.records if each.name == "portal.sms"]
    assert (record.kind, record.to) == ("password_reset_sms", "…5678")
    assert not any(TOKEN in str(vars(each)) or "09012345678" in str(vars(each)) for each in caplog.records)


def test_a_refused_message_is_tried_again_with_growing_waits_and_then_fails(make, write, gateway):
    write()
    gateway.error = RuntimeError(f"no route to {URL}")
    at = NOW
    for minutes in (1, 5, 15, 60):
        run(at)
        assert rows(make)[0].next_attempt_at == at + timedelta(minutes=minutes)
        at += timedelta(minutes=minutes)
        run(at - timedelta(seconds=1))
    run(at)

    (row,) = rows(make)
    assert (row.state, row.attempts, row.secret) == ("failed", 5, None)
    assert TOKEN not in row.last_error


def test_a_message_whose_worker_died_is_sent_by_the_next(make, engine, write, gateway):
    from models.scope import all_tenants

    write()
    with all_tenants("a test") as session:
        assert sms.claim(session, now=NOW) is not None
        assert sms.claim(session, now=NOW) is None

    run(NOW + timedelta(minutes=1))

    assert len(gateway.sent) == 1


def test_a_message_that_kills_every_worker_fails(make, write, gateway):
    write()
    make.session.execute(text("UPDATE sms_message SET attempts = 5"))
    make.session.commit()

    run()

    assert (gateway.sent, rows(make)[0].state) == ([], "failed")


def test_a_refused_message_does_not_hold_up_the_others(make, write, gateway, monkeypatch):
    write("09000000001")
    write("09000000002")
    send = gateway.send
    monkeypatch.setattr(gateway, "send", lambda message: 1 / 0 if message.recipient.endswith("1") else send(message))

    run()

    assert [row.state for row in rows(make)] == ["pending", "sent"]


def test_sending_begins_right_after_the_commit():
    assert enqueue_after_commit.JOBS[after_commit.SMS] == ("default", "jobs.sms.send_due")


def test_what_is_a_mail_is_not_sent_by_sms(in_tenant, tenant):
    with in_tenant(tenant.id) as session, pytest.raises(ValueError, match="not sent by SMS"):
        sms.write(session, "password_reset_mail", "09012345678", {}, now=NOW)
