"""§5.4.2: which address is in force, whatever was asked for, confirmed, replaced or taken out meanwhile."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from models import notification_address, notification_rules
from models.actor import Actor
from models.audit import AuditEntry
from models.bearer_token import hash_token
from models.errors import Conflict, DomainError
from models.mail import MailMessage, MailState
from models.notification_address import AddressLink, LinkState, clean
from models.notification_rules import Desk
from models.scope import all_tenants
from tests.waiting import wait_until_somebody_waits

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LAST_MOMENT = NOW + timedelta(hours=24) - timedelta(microseconds=1)
BY = Actor("operator@example.jp")
MAILBOX = Actor("mailbox")


class Tried:
    """A tenant whose addresses are changed, with the tokens of the links it mailed."""

    def __init__(self, tenant, in_tenant) -> None:
        self.tenant = tenant
        self.in_tenant = in_tenant
        self.tokens: list[str] = []

    def _url_of(self, token: str) -> str:
        self.tokens.append(token)
        return f"https://portal.example.jp/addresses/{token}"

    def desk(self, now: datetime) -> Desk:
        return Desk(self.tenant, self._url_of, now, BY)

    def change(self, *typed: str, now: datetime = NOW, version: int | None = None) -> list[str]:
        padded = [*typed, "", "", ""][:3]
        shown = self.standing(now).version if version is None else version
        with self.in_tenant(self.tenant.id) as session:
            sent = notification_rules.change(session, padded, version=shown, desk=self.desk(now))
            session.commit()
        return sent

    def confirm(self, token: str | None = None, now: datetime = NOW) -> LinkState:
        with self.in_tenant(self.tenant.id) as session:
            link = notification_rules.look_up(session, token or self.tokens[-1])
            state = notification_rules.confirm(session, link, now=now, by=MAILBOX)
            session.commit()
        return state

    def standing(self, now: datetime = NOW):
        with self.in_tenant(self.tenant.id) as session:
            return notification_address.standing(session, self.tenant.id, now=now)

    def slot(self, number: int, now: datetime = NOW):
        return self.standing(now).slots[number - 1]

    def in_force(self) -> list[str]:
        with self.in_tenant(self.tenant.id) as session:
            return notification_address.in_force(session, self.tenant.id)


@pytest.fixture
def tried(make, in_tenant) -> Tried:
    return Tried(make.tenant(name="サンプルパートナー"), in_tenant)


@pytest.fixture
def settled(tried) -> Tried:
    """With one address in force."""
    tried.change("old@example.jp")
    tried.confirm()
    return tried


def mailed(make) -> list[str]:
    make.session.expire_all()
    return list(make.session.scalars(select(MailMessage.recipient).order_by(MailMessage.id)))


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
    assert [slot.set_to for slot in tried.standing().slots] == ["", "", ""]
    assert tried.standing().version == 0


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


def test_only_a_hash_of_the_token_is_kept(settled, make):
    link = make.session.scalars(select(AddressLink)).one()

    assert link.token_hash == hash_token(settled.tokens[0])
    assert len(settled.tokens[0]) == 43


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


def test_a_newer_request_ends_the_link_before(settled):
    settled.change("new@example.jp")
    settled.change("newer@example.jp")
    first, second = settled.tokens[1:]

    assert settled.confirm(first) == LinkState.SUPERSEDED
    assert settled.in_force() == ["old@example.jp"]
    assert settled.confirm(second) == LinkState.OPEN
    assert settled.in_force() == ["newer@example.jp"]


def test_saving_what_waits_unchanged_leaves_its_link(settled, make):
    settled.change("new@example.jp")

    assert settled.change("new@example.jp") == []
    assert settled.confirm() == LinkState.OPEN
    assert len(mailed(make)) == 2


def test_a_link_sent_again_is_a_new_one(settled, make):
    settled.change("new@example.jp")
    with settled.in_tenant(settled.tenant.id) as session:
        later = NOW + timedelta(hours=30)
        assert notification_rules.send_again(session, 1, desk=settled.desk(later)) == "new@example.jp"
        session.commit()

    assert mailed(make) == ["old@example.jp", "new@example.jp", "new@example.jp"]
    assert settled.confirm(settled.tokens[1], later) == LinkState.EXPIRED
    assert settled.confirm(settled.tokens[2], later + timedelta(hours=23)) == LinkState.OPEN
    assert settled.in_force() == ["new@example.jp"]


def test_what_was_asked_for_can_be_withdrawn(settled):
    settled.change("new@example.jp")
    with settled.in_tenant(settled.tenant.id) as session:
        assert notification_rules.withdraw(session, 1, desk=settled.desk(NOW)) == "new@example.jp"
        session.commit()

    assert settled.confirm() == LinkState.SUPERSEDED
    assert settled.slot(1).set_to == "old@example.jp"


@pytest.mark.parametrize("rule", [notification_rules.send_again, notification_rules.withdraw])
def test_where_nothing_was_asked_for_there_is_nothing_to_send_or_withdraw(settled, rule):
    with settled.in_tenant(settled.tenant.id) as session, pytest.raises(DomainError) as caught:
        rule(session, 2, desk=settled.desk(NOW))

    assert caught.value.message == "No address waits for its confirmation there any more."


def test_a_link_works_for_24_hours(settled):
    settled.change("new@example.jp")
    assert settled.slot(1, LAST_MOMENT).waiting
    assert settled.confirm(now=NOW + timedelta(hours=24)) == LinkState.EXPIRED
    assert settled.in_force() == ["old@example.jp"]

    assert settled.confirm(now=LAST_MOMENT) == LinkState.OPEN
    assert settled.in_force() == ["new@example.jp"]


def test_a_request_past_its_time_has_come_to_nothing(settled):
    settled.change("new@example.jp")
    late = NOW + timedelta(hours=24)

    slot = settled.slot(1, late)
    assert (slot.set_to, slot.asked_for, slot.waiting) == ("old@example.jp", "new@example.jp", False)
    assert settled.change("old@example.jp", now=late) == []
    assert settled.slot(1, late).asked_for == "new@example.jp"
    assert settled.change("new@example.jp", now=late) == ["new@example.jp"]
    assert settled.confirm(settled.tokens[1], late) == LinkState.EXPIRED


def test_a_link_works_once(settled):
    settled.change("new@example.jp")

    assert settled.confirm() == LinkState.OPEN
    assert settled.confirm() == LinkState.USED
    assert settled.confirm(now=NOW + timedelta(hours=25)) == LinkState.USED


def test_two_clicks_at_once_confirm_once(settled, engine, make):
    settled.change("new@example.jp")
    outcome = []
    with settled.in_tenant(settled.tenant.id) as first:
        link = notification_rules.look_up(first, settled.tokens[-1])
        outcome.append(notification_rules.confirm(first, link, now=NOW, by=MAILBOX))
        thread = threading.Thread(target=lambda: outcome.append(settled.confirm()))
        thread.start()
        wait_until_somebody_waits(engine)
        first.commit()
    thread.join(timeout=10)

    assert outcome == [LinkState.OPEN, LinkState.USED]
    confirmed = select(AuditEntry).where(AuditEntry.action == "notification_address.confirmed")
    assert len(make.session.scalars(confirmed).all()) == 2  # this one, and the first of the tenant


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

    assert (caught.value.message, caught.value.field) == ("This address is in another field already.", field)


def test_an_address_that_moves_to_another_slot_gets_each_notification_once(settled):
    settled.change("new@example.jp", "old@example.jp")
    settled.confirm()

    assert settled.in_force() == ["old@example.jp"]
    settled.confirm(settled.tokens[1])
    assert settled.in_force() == ["new@example.jp", "old@example.jp"]


def test_the_second_of_two_people_is_told(settled):
    version = settled.standing().version
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
        notification_rules.change(first, ["first@example.jp", "", ""], version=0, desk=tried.desk(NOW))
        thread = threading.Thread(target=second)
        thread.start()
        wait_until_somebody_waits(engine)
        first.commit()
    thread.join(timeout=10)

    assert told == ["second"]


def test_a_mailbox_that_confirms_disturbs_nobody_who_edits(tried):
    tried.change("new@example.jp")
    version = tried.standing().version
    tried.confirm()

    assert tried.change("new@example.jp", "two@example.jp", version=version) == ["two@example.jp"]


def test_a_mailbox_gets_five_links_a_day(settled):
    for number in range(4):
        settled.change("new@example.jp", now=NOW + timedelta(minutes=number))
        settled.change("old@example.jp", now=NOW + timedelta(minutes=number))
    settled.change("New@example.jp", now=NOW + timedelta(minutes=5))
    settled.change("old@example.jp", now=NOW + timedelta(minutes=5))

    with pytest.raises(DomainError) as caught:
        settled.change("new@example.jp", now=NOW + timedelta(minutes=6))
    assert caught.value.message.startswith("This address was sent as many confirmation mails")
    assert caught.value.field == "address1"
    assert settled.change("new@example.jp", now=NOW + timedelta(days=1)) == ["new@example.jp"]


def test_a_tenant_mails_twenty_links_a_day(settled):
    for number in range(19):
        settled.change(f"new{number}@example.jp")

    with pytest.raises(DomainError) as caught:
        settled.change("new19@example.jp")
    assert caught.value.message.startswith("As many confirmation mails were sent today")
    assert settled.slot(1).set_to == "new18@example.jp"


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


@pytest.mark.usefixtures("context")
def test_a_link_belongs_to_its_tenant_alone(settled, make, in_tenant):
    other = make.tenant()

    assert notification_rules.tenant_of(settled.tokens[0]) == settled.tenant.id
    assert notification_rules.tenant_of("x" * 43) is None
    with in_tenant(other.id) as session:
        assert notification_rules.look_up(session, settled.tokens[0]) is None
        assert notification_address.in_force(session, settled.tenant.id) == []
        assert notification_address.standing(session, other.id, now=NOW).version == 0


@pytest.mark.usefixtures("context")
def test_links_go_thirty_days_after_their_time(settled):
    settled.change("new@example.jp", now=NOW + timedelta(hours=1))
    times = [NOW + timedelta(days=31) + late for late in (timedelta(microseconds=-1), timedelta(0), timedelta(hours=1))]
    with all_tenants("every tenant's links are old at some time") as session:
        gone = [notification_rules.remove_old(session, now=now) for now in times]
        session.commit()

    assert gone == [0, 1, 1]
    assert settled.in_force() == ["old@example.jp"]
