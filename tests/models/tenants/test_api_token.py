"""The tokens with which the customers' portal calls for a tenant."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from models.actor import SYSTEM
from models.audit import AuditEntry
from models.errors import Conflict, DomainError, Gone
from models.tenants import api_token
from models.tenants.api_token import PortalToken

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def session(ours, in_tenant):
    with in_tenant(ours.tenant_id) as session:
        yield session


@pytest.fixture
def create(session):
    def new_token(name="顧客ポータル"):
        row, token = api_token.create(session, name, now=NOW, by=SYSTEM)
        session.commit()
        return row, token

    return new_token


def caller(make, token, now=NOW):
    make.session.rollback()
    return api_token.caller_of(make.session, token, now=now)


def test_only_a_hash_of_a_token_is_stored(make, create):
    _, token = create()

    stored = make.session.execute(text("SELECT to_jsonb(t) FROM portal_token t")).scalars().all()
    assert [row["token_hash"] for row in stored] == [hashlib.sha256(token.encode()).hexdigest()]
    assert token not in str(stored)


def test_a_token_is_256_random_bits_behind_a_mark(create):
    (_, one), (_, other) = create("一"), create("二")

    assert one.startswith("cst_")
    assert len(one) == len("cst_") + 43
    assert one != other


def test_a_token_names_its_tenant(make, create, ours):
    row, token = create()

    found, _ = caller(make, token)

    assert (found.tenant_id, found.token_id, found.name) == (ours.tenant_id, row.id, "顧客ポータル")
    assert caller(make, token + "x") is None


def test_a_reissued_token_ends_the_one_before_at_once(make, session, create):
    row, old = create()

    new = api_token.reissue(session, row, now=LATER, by=SYSTEM)
    session.commit()

    assert caller(make, old) is None
    assert caller(make, new)[0].token_id == row.id
    assert row.issued_at == LATER


def test_a_revoked_token_opens_nothing_and_stays_so(make, session, create):
    row, token = create()

    api_token.revoke(session, row, now=NOW, by=SYSTEM)
    session.commit()
    with pytest.raises(Gone):
        api_token.revoke(session, row, now=LATER, by=SYSTEM)

    assert caller(make, token) is None
    assert row.revoked_at == NOW
    with pytest.raises(Gone):
        api_token.reissue(session, row, now=LATER, by=SYSTEM)


def test_each_change_is_told_to_the_audit_log_without_the_token(make, session, create):
    row, token = create()
    api_token.rename(session, row, "新しい名前", version=1, by=SYSTEM)
    session.commit()
    new = api_token.reissue(session, row, now=LATER, by=SYSTEM)
    api_token.revoke(session, row, now=LATER, by=SYSTEM)
    session.commit()

    entries = make.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == [
        "portal_token.created",
        "portal_token.renamed",
        "portal_token.reissued",
        "portal_token.revoked",
    ]
    assert (entries[1].before, entries[1].after) == ({"name": "顧客ポータル"}, {"name": "新しい名前"})
    told = str([(entry.before, entry.after) for entry in entries])
    for secret in (token, new, api_token.hash_token(token), api_token.hash_token(new)):
        assert secret not in told


def test_a_name_is_used_once_among_the_tokens_in_force(session, create):
    row, _ = create()
    other, _ = create("もう一つ")
    with pytest.raises(DomainError, match="already used"):
        create()
    with pytest.raises(DomainError, match="already used"):
        api_token.rename(session, other, row.name, version=1, by=SYSTEM)
    session.rollback()
    api_token.revoke(session, row, now=NOW, by=SYSTEM)
    session.commit()

    create()


def test_the_database_holds_names_apart_too(session, create):
    create()
    session.add(PortalToken(name="顧客ポータル", token_hash="0" * 64, issued_at=NOW))

    with pytest.raises(IntegrityError) as caught:
        session.flush()

    assert caught.value.orig.diag.constraint_name in api_token.UNIQUE_ERRORS


def test_a_tenant_has_at_most_ten(create):
    for number in range(10):
        create(f"{number}")

    with pytest.raises(DomainError, match="10 tokens"):
        create("もう一つ")


def test_the_second_of_two_people_is_refused(session, create):
    row, _ = create()
    api_token.rename(session, row, "一人目", version=1, by=SYSTEM)
    session.commit()

    with pytest.raises(Conflict):
        api_token.rename(session, row, "二人目", version=1, by=SYSTEM)


def test_the_same_name_again_is_no_change(session, create):
    row, _ = create()

    with pytest.raises(DomainError, match="at least one"):
        api_token.rename(session, row, row.name, version=1, by=SYSTEM)


@pytest.mark.parametrize(("seconds", "worth_noting"), [(0, False), (59, False), (60, True), (3600, True)], ids=str)
def test_a_use_is_noted_once_a_minute(make, session, create, seconds, worth_noting):
    _, token = create()
    found, first = caller(make, token)
    api_token.record_use(session, found, now=NOW)
    session.commit()
    later = NOW + timedelta(seconds=seconds)

    _, again = caller(make, token, later)
    api_token.record_use(session, found, now=later)
    session.commit()

    assert (first, again) == (True, worth_noting)
    assert make.session.scalar(select(PortalToken.last_used_at)) == (later if worth_noting else NOW)


def test_tokens_are_ones_own_tenants(create, theirs, in_tenant):
    create()

    with in_tenant(theirs.tenant_id) as other:
        assert list(api_token.in_force(other)) == []
        api_token.create(other, "顧客ポータル", now=NOW, by=SYSTEM)
