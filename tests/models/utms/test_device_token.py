"""The bearer tokens of UTMs: kept as a hash, one in force."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from models.actor import SYSTEM
from models.audit import AuditEntry
from models.utms import device_token
from models.utms.device_token import DeviceToken
from models.utms.utm import Utm

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def issue(make, ours):
    def new_token(*, utm=ours.utm, now=NOW):
        token = device_token.issue(make.session, utm, now=now, by=SYSTEM)
        make.session.commit()
        return token

    return new_token


def in_force(make) -> list[str]:
    """The hashes of the tokens in force."""
    return list(make.session.scalars(select(DeviceToken.token_hash).where(DeviceToken.revoked_at.is_(None))))


def test_only_a_hash_of_a_token_is_stored(make, issue):
    token = issue()

    stored = make.session.execute(text("SELECT to_jsonb(t) FROM device_token t")).scalars().all()
    assert [row["token_hash"] for row in stored] == [hashlib.sha256(token.encode()).hexdigest()]
    assert token not in str(stored)


def test_a_token_is_256_random_bits_behind_a_mark(issue):
    one, other = issue(), issue()

    assert one.startswith("utm_")
    assert len(one) == len("utm_") + 43
    assert one != other


def test_a_new_token_ends_the_old_one(make, issue):
    old, new = issue(now=NOW), issue(now=LATER)

    revoked = dict(make.session.execute(select(DeviceToken.token_hash, DeviceToken.revoked_at)).all())
    assert revoked == {device_token.hash_token(old): LATER, device_token.hash_token(new): None}


def test_a_token_that_ended_keeps_the_time_it_ended(make, issue):
    first = issue(now=NOW)
    issue(now=LATER)
    issue(now=LATER + timedelta(hours=1))

    ended = select(DeviceToken.revoked_at).where(DeviceToken.token_hash == device_token.hash_token(first))
    assert make.session.scalar(ended) == LATER


def test_a_new_token_leaves_other_utms_theirs(make, issue, ours, theirs):
    tokens = [issue(utm=ours.utm), issue(utm=theirs.utm)]

    assert set(in_force(make)) == {device_token.hash_token(token) for token in tokens}


def test_a_utm_has_one_token_in_force_whatever_the_code_does(make, issue, ours):
    issue()
    make.session.add(DeviceToken(tenant_id=ours.tenant_id, utm_id=ours.utm.id, token_hash="0" * 64))

    with pytest.raises(IntegrityError) as caught:
        make.session.flush()

    assert caught.value.orig.diag.constraint_name == "uq_device_token_one_in_force"


def test_two_tokens_issued_at_once_leave_one_in_force(make, ours, in_tenant):
    together = threading.Barrier(2)

    def issue_one(_number):
        with in_tenant(ours.tenant_id) as session:
            utm = session.get(Utm, ours.utm.id)
            together.wait(timeout=30)
            token = device_token.issue(session, utm, now=NOW, by=SYSTEM)
            session.commit()
            return token

    with ThreadPoolExecutor(2) as pool:
        tokens = list(pool.map(issue_one, range(2)))

    (hash_in_force,) = in_force(make)
    assert hash_in_force in {device_token.hash_token(token) for token in tokens}


def test_issuing_is_told_to_the_audit_log_without_the_token(make, issue, ours):
    token = issue()

    row = make.session.scalars(select(AuditEntry)).one()
    assert (row.action, row.subject_type, row.subject_id) == ("utm.token_issued", "Utm", str(ours.utm.id))
    assert (row.tenant_id, row.after) == (ours.tenant_id, {"utm_id": ours.utm.utm_id})
    assert token not in str(row.after)
