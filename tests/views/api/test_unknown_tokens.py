"""Calls of the APIs without a token in force are limited by their address."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from models import clock
from models.actor import SYSTEM
from models.tenants import api_token
from models.utms import contact, device_token

CALLS = {"device": ("POST", "/api/device/v1/alerts"), "customer": ("GET", "/api/customer/v1/tenant")}


@pytest.fixture
def call(app):
    def answer(api, token, address="192.0.2.1"):
        method, path = CALLS[api]
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        environ = {"REMOTE_ADDR": address}
        return app.test_client().open(path, method=method, headers=headers, environ_base=environ).status_code

    return answer


@pytest.fixture
def tokens(make, in_tenant):
    tenant = make.tenant()
    _, utm = make.customer_with_utm(tenant)
    device = device_token.issue(make.session, utm, now=clock.utc_now(), by=SYSTEM)
    make.session.commit()
    with in_tenant(tenant.id) as session:
        _, customer = api_token.create(session, "portal", now=clock.utc_now(), by=SYSTEM)
        session.commit()
    return {"device": device, "customer": customer}


@pytest.mark.parametrize("api", CALLS)
def test_invented_tokens_are_counted_together_by_their_address(call, api):
    answers = [call(api, f"utm_{number}") for number in range(61)]

    assert answers == [401] * 60 + [429]
    assert call(api, None) == 429, "no token at all counts with them"
    assert call(api, "utm_x", address="192.0.2.2") == 401


@pytest.mark.parametrize("api", CALLS)
def test_a_token_in_force_is_served_although_others_at_its_address_are_limited(call, api, tokens):
    for number in range(61):
        call(api, f"utm_{number}")

    assert call(api, tokens[api]) == 200


@pytest.mark.parametrize("api", CALLS)
def test_calls_with_a_token_in_force_do_not_count_by_address(call, api, tokens):
    for _ in range(61):
        call(api, tokens[api])

    assert call(api, "utm_x") == 401


@pytest.mark.parametrize("api", CALLS)
def test_calls_while_the_database_is_away_do_not_count_by_address(call, api, tokens, monkeypatch):
    def away(*_args, **_kwargs):
        raise OperationalError("SELECT", {}, Exception("connection refused"))

    with monkeypatch.context() as patched:
        patched.setattr(contact, "record_call", away)
        patched.setattr(api_token, "caller_of", away)
        # Sent by several UTMs behind one address.
        answers = {call(api, f"utm_{number}") for number in range(61)}

    assert answers == {503}
    assert (call(api, tokens[api]), call(api, "utm_x")) == (200, 401)
