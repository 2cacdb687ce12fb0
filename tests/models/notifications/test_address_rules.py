"""§5.4.2: which address is in force, whatever was asked for, confirmed, replaced or taken out meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.errors import Conflict, DomainError
from models.mail.outbox import MailMessage, MailState
from models.notifications import address_rules
from models.notifications.address import LinkState, clean
from tests.support.notifications import BY, NOW, mailed
from tests.support.waiting import wait_until_somebody_waits


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("tsuchi@example.jp", "tsuchi@example.jp"),
        (" Tsuchi.Hiroshi@EXAMPLE.JP　", "Tsuchi.Hiroshi@example.jp"),
        ("ｔｓｕｃｈｉ＠ｅｘａｍｐｌｅ．ｊｐ", "tsuchi@example.jp"),
        ("", ""),
        ("　", ""),
        ("no address", "no address"),
    ],
)
def test_an_address_is_kept_in_half_width_with_its_domain_in_lower_case(typed, stored):
    assert clean(typed) == stored


def test_a_tenant_begins_with_no_address(tried):
    assert tried.in_force() == []
    assert [slot.set_to for slot in tried.address_status().slots] == ["", "", ""]
    assert tried.address_status().version == 0


def test_an_address_is_in_force_when_its_mailbox_has_confirmed_it(tried):
    assert tried.change("new@example.jp") == ["new@example.jp"]
    assert tried.in_force() == []
    assert tried.slot(1).waiting
    assert tried.slot(1).asked_until == datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

    assert tried.confirm() == LinkState.OPEN
    assert tried.in_force() == ["new@example.jp"]
    assert tried.slot(1).confirmed_at == NOW
    assert tried.slot(1).asked_for is None


def test_the_old_address_stays_in_force_until_the_new_one_is_confirmed(settled):
    settled.change("new@example.jp")
    assert settled.in_force() == ["old@example.jp"]

    settled.confirm()
    assert settled.in_force() == ["new@example.jp"]


def test_the_mail_goes_to_the_changed_addresses_alone(settled, make):
    settled.change("old@example.jp", "two@example.jp")

    assert mailed(make) == ["old@example.jp", "two@example.jp"]
    first, second = make.session.scalars(select(MailMessage).order_by(MailMessage.id))
    assert second.subject == "【見守りサービス】登録メールアドレスの確認"
    assert second.tenant_id == settled.tenant.id
    assert "サンプルパートナー" in second.body
    assert "https://portal.example.jp/addresses/…" in second.shown_body
    assert second.secret == settled.tokens[1] != first.secret


def test_taking_an_address_out_is_at_once_and_sends_no_mail(settled, make):
    settled.change("old@example.jp", "two@example.jp")
    settled.confirm()
    assert settled.in_force() == ["old@example.jp", "two@example.jp"]

    assert settled.change("old@example.jp", "") == []
    assert settled.in_force() == ["old@example.jp"]
    assert len(mailed(make)) == 2


def test_taking_an_address_out_withdraws_what_was_asked_for_too(settled):
    settled.change("old@example.jp", "two@example.jp")
    settled.confirm()
    settled.change("old@example.jp", "three@example.jp")
    settled.change("old@example.jp", "")

    assert settled.confirm() == LinkState.SUPERSEDED
    assert settled.in_force() == ["old@example.jp"]


def test_setting_back_to_the_address_in_force_withdraws_what_was_asked_for(settled, make):
    settled.change("new@example.jp")

    assert settled.change("old@example.jp") == []
    assert settled.slot(1).asked_for is None
    assert settled.confirm() == LinkState.SUPERSEDED
    assert settled.in_force() == ["old@example.jp"]
    assert len(mailed(make)) == 2


def test_what_was_asked_for_can_be_withdrawn(settled):
    settled.change("new@example.jp")
    with settled.in_tenant(settled.tenant.id) as session:
        assert address_rules.withdraw(session, 1, request=settled.address_change(NOW)) == "new@example.jp"
        session.commit()

    assert settled.confirm() == LinkState.SUPERSEDED
    assert settled.slot(1).set_to == "old@example.jp"


@pytest.mark.parametrize("rule", [address_rules.send_again, address_rules.withdraw])
def test_where_nothing_was_asked_for_there_is_nothing_to_send_or_withdraw(settled, rule):
    with settled.in_tenant(settled.tenant.id) as session, pytest.raises(DomainError) as caught:
        rule(session, 2, request=settled.address_change(NOW))

    assert caught.value.message == "There is no longer an email address waiting for confirmation."


def test_the_first_address_is_needed(settled):
    with pytest.raises(DomainError) as caught:
        settled.change("", "two@example.jp")

    assert (caught.value.message, caught.value.field) == ("This field is required.", "address1")
    assert settled.in_force() == ["old@example.jp"]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (("a@example.jp", "a@example.jp"), "address2"),
        (("a@example.jp", "", "A@EXAMPLE.jp"), "address3"),
        (("a@example.jp", "b@example.jp", "b@example.jp"), "address3"),
    ],
)
def test_one_address_in_two_slots_is_refused(tried, typed, field):
    with pytest.raises(DomainError) as caught:
        tried.change(*typed)

    assert (caught.value.message, caught.value.field) == ("This email address is already in another field.", field)


def test_an_address_that_moves_to_another_slot_gets_each_notification_once(settled):
    settled.change("new@example.jp", "old@example.jp")
    settled.confirm()

    assert settled.in_force() == ["old@example.jp"]
    settled.confirm(settled.tokens[1])
    assert settled.in_force() == ["new@example.jp", "old@example.jp"]


def test_the_second_of_two_people_is_told(settled):
    version = settled.address_status().version
    settled.change("old@example.jp", "first@example.jp", version=version)

    with pytest.raises(Conflict):
        settled.change("old@example.jp", "second@example.jp", version=version)


def test_two_people_who_begin_at_once_are_told_too(tried, engine):
    told = []

    def second() -> None:
        try:
            tried.change("second@example.jp", version=0)
        except Conflict:
            told.append("second")

    with tried.in_tenant(tried.tenant.id) as first:
        address_rules.change(first, ["first@example.jp", "", ""], version=0, request=tried.address_change(NOW))
        thread = threading.Thread(target=second)
        thread.start()
        wait_until_somebody_waits(engine)
        first.commit()
    thread.join(timeout=10)

    assert told == ["second"]


def test_a_mailbox_that_confirms_disturbs_nobody_who_edits(tried):
    tried.change("new@example.jp")
    version = tried.address_status().version
    tried.confirm()

    assert tried.change("new@example.jp", "two@example.jp", version=version) == ["two@example.jp"]


def test_every_change_is_in_the_audit_log(settled, make):
    settled.change("new@example.jp", "two@example.jp")
    settled.change("old@example.jp", "")
    settled.change("old@example.jp", "", "three@example.jp")
    settled.confirm()
    settled.change("old@example.jp")

    rows = make.session.scalars(select(AuditEntry).where(AuditEntry.subject_type == "NotificationAddress")).all()
    key = settled.tenant.id
    assert {row.tenant_id for row in rows} == {key}
    assert [
        (row.action.removeprefix("notification_address."), row.subject_id, row.actor, row.before, row.after)
        for row in sorted(rows, key=lambda row: row.id)
    ] == [
        ("asked_for", f"{key}/1", BY.name, None, {"asked_for": "old@example.jp"}),
        ("confirmed", f"{key}/1", "mailbox", None, {"address": "old@example.jp"}),
        ("asked_for", f"{key}/1", BY.name, {"address": "old@example.jp"}, {"asked_for": "new@example.jp"}),
        ("asked_for", f"{key}/2", BY.name, None, {"asked_for": "two@example.jp"}),
        ("withdrawn", f"{key}/1", BY.name, {"asked_for": "new@example.jp"}, None),
        ("withdrawn", f"{key}/2", BY.name, {"asked_for": "two@example.jp"}, None),
        ("asked_for", f"{key}/3", BY.name, None, {"asked_for": "three@example.jp"}),
        ("confirmed", f"{key}/3", "mailbox", None, {"address": "three@example.jp"}),
        ("removed", f"{key}/3", BY.name, {"address": "three@example.jp"}, None),
    ]


def test_an_address_whose_newest_mail_failed_is_told(settled, make):
    newest = make.session.scalars(select(MailMessage)).one()
    newest.state = MailState.FAILED
    make.session.commit()
    assert settled.slot(1).undelivered == {"old@example.jp"}

    make.session.add(
        MailMessage(
            tenant_id=settled.tenant.id,
            kind="contract_made",
            recipient="old@example.jp",
            subject="-",
            body="-",
            message_id="0" * 32,
            state=MailState.SENT,
            next_attempt_at=NOW,
            created_at=NOW,
        )
    )
    make.session.commit()
    assert settled.slot(1).undelivered == frozenset()
