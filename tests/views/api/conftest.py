"""A tenant with a token of the customers' portal, and calls made with it."""

from __future__ import annotations

from itertools import count

import pytest

from models import clock
from models.actor import SYSTEM
from models.tenants import api_token

ROOT = "/api/customer/v1"


@pytest.fixture
def tenant(make):
    make.portal_link(name="よその案内")
    return make.tenant(name="サンプルパートナー")


@pytest.fixture
def token(issue):
    return issue("顧客ポータル")


@pytest.fixture
def issue(tenant, in_tenant):
    def new_token(name, of=tenant):
        with in_tenant(of.id) as session:
            _, token = api_token.create(session, name, now=clock.utc_now(), by=SYSTEM)
            session.commit()
        return token

    return new_token


@pytest.fixture
def ask(app):
    def get(token, path=f"{ROOT}/tenant", **headers):
        return app.test_client().get(path, headers={"Authorization": f"Bearer {token}"} | headers)

    return get


@pytest.fixture
def send(app, token):
    """Send a call that changes something, with a new key: ``send("/sign-ups/verify", {"token": ...})``."""
    numbers = count()

    def post(path, body=None, *, user=None, key=None, token=token, **more):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or f"key-{next(numbers)}"}
        if user is not None:
            headers["X-Portal-User"] = getattr(user, "id", user)
        sent = more or {"json": {} if body is None else body}
        return app.test_client().post(f"{ROOT}{path}", headers=headers, **sent)

    return post
