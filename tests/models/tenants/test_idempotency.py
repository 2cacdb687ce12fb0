"""Keys of API calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from models import clock
from models.tenants import idempotency


@pytest.fixture
def token(make):
    tenant = make.tenant()
    return make.portal_token(tenant=tenant)


def test_a_second_call_gets_the_row_of_the_first(in_tenant, token):
    with in_tenant(token.tenant_id) as session:
        row, first = idempotency.claim(session, token.id, "k1", request_hash="a" * 64)
        assert first
        row.status, row.body = 201, {"id": "UAP-00000001"}
        session.commit()
        row, first = idempotency.claim(session, token.id, "k1", request_hash="b" * 64)
        assert (first, row.status, row.request_hash) == (False, 201, "a" * 64)
        _, first = idempotency.claim(session, token.id, "k2", request_hash="b" * 64)
        assert first


def test_a_call_that_failed_leaves_no_key(in_tenant, token):
    for _ in range(2):
        with in_tenant(token.tenant_id) as session:
            _, first = idempotency.claim(session, token.id, "k1", request_hash="a" * 64)
            assert first


def test_old_keys_are_removed(in_tenant, token, make):
    with in_tenant(token.tenant_id) as session:
        idempotency.claim(session, token.id, "k1", request_hash="a" * 64)
        session.commit()

    idempotency.remove_old(make.session, now=clock.utc_now() + timedelta(days=1))

    assert make.session.scalar(text("SELECT count(*) FROM idempotency_key")) == 0
