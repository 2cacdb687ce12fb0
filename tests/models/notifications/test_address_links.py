"""§5.4.2: the links that confirm an address: for how long, how often, for whom."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.errors import DomainError
from models.notifications import address as notification_address
from models.notifications import address_rules
from models.notifications.address import AddressLink, LinkState
from models.scope import all_tenants
from models.tokens import hash_token
from tests.support.notifications import MAILBOX, NOW, mailed
from tests.support.waiting import wait_until_somebody_waits

LAST_MOMENT = NOW + timedelta(hours=24) - timedelta(microseconds=1)


def test_only_a_hash_of_the_token_is_kept(settled, make):
    link = make.session.scalars(select(AddressLink)).one()

    assert link.token_hash == hash_token(settled.tokens[0])
    assert len(settled.tokens[0]) == 43


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
        assert address_rules.send_again(session, 1, request=settled.address_change(later)) == "new@example.jp"
        session.commit()

    assert mailed(make) == ["old@example.jp", "new@example.jp", "new@example.jp"]
    assert settled.confirm(settled.tokens[1], later) == LinkState.EXPIRED
    assert settled.confirm(settled.tokens[2], later + timedelta(hours=23)) == LinkState.OPEN
    assert settled.in_force() == ["new@example.jp"]


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
        link = address_rules.look_up(first, settled.tokens[-1])
        outcome.append(address_rules.confirm(first, link, now=NOW, by=MAILBOX))
        thread = threading.Thread(target=lambda: outcome.append(settled.confirm()))
        thread.start()
        wait_until_somebody_waits(engine)
        first.commit()
    thread.join(timeout=10)

    assert outcome == [LinkState.OPEN, LinkState.USED]
    confirmed = select(AuditEntry).where(AuditEntry.action == "notification_address.confirmed")
    assert len(make.session.scalars(confirmed).all()) == 2  # this one, and the first of the tenant


def test_a_mailbox_gets_five_links_a_day(settled):
    for number in range(4):
        settled.change("new@example.jp", now=NOW + timedelta(minutes=number))
        settled.change("old@example.jp", now=NOW + timedelta(minutes=number))
    settled.change("New@example.jp", now=NOW + timedelta(minutes=5))
    settled.change("old@example.jp", now=NOW + timedelta(minutes=5))

    with pytest.raises(DomainError) as caught:
        settled.change("new@example.jp", now=NOW + timedelta(minutes=6))
    assert caught.value.message.startswith("The daily limit of confirmation mails to this email address")
    assert caught.value.field == "address1"
    assert settled.change("new@example.jp", now=NOW + timedelta(days=1)) == ["new@example.jp"]


def test_a_tenant_mails_twenty_links_a_day(settled):
    for number in range(19):
        settled.change(f"new{number}@example.jp")

    with pytest.raises(DomainError) as caught:
        settled.change("new19@example.jp")
    assert caught.value.message.startswith("The tenant's daily limit of confirmation mails")
    assert settled.slot(1).set_to == "new18@example.jp"


@pytest.mark.usefixtures("context")
def test_a_link_belongs_to_its_tenant_alone(settled, make, in_tenant):
    other = make.tenant()

    assert address_rules.tenant_of(settled.tokens[0]) == settled.tenant.id
    assert address_rules.tenant_of("x" * 43) is None
    with in_tenant(other.id) as session:
        assert address_rules.look_up(session, settled.tokens[0]) is None
        assert notification_address.in_force(session, settled.tenant.id) == []
        assert notification_address.address_status(session, other.id, now=NOW).version == 0


@pytest.mark.usefixtures("context")
def test_links_go_thirty_days_after_their_time(settled):
    settled.change("new@example.jp", now=NOW + timedelta(hours=1))
    times = [NOW + timedelta(days=31) + late for late in (timedelta(microseconds=-1), timedelta(0), timedelta(hours=1))]
    with all_tenants("every tenant's links are old at some time") as session:
        gone = [address_rules.remove_old(session, now=now) for now in times]
        session.commit()

    assert gone == [0, 1, 1]
    assert settled.in_force() == ["old@example.jp"]
