"""A tenant whose people sign in by its OpenID provider."""

from __future__ import annotations

import pytest

from models import sealed_secret
from models.tenants import identity_provider
from tests.support.fixtures import weak_hash
from tests.support.openid_provider import running_provider
from tests.support.single_sign_on import EMAIL


@pytest.fixture(scope="module")
def server():
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(server):
    server.reset()
    return server


@pytest.fixture
def connect(app, make):
    """Connect a tenant with a provider: ``connect(tenant, issuer=...)``."""

    def connected(tenant, domain="sso.example.jp", **values):
        sealed = sealed_secret.seal("the secret", identity_provider.purpose(tenant.id))
        make.identity_domain(tenant=tenant, domain=domain)
        return make.identity_provider(tenant=tenant, client_secret=sealed, **values)

    return connected


@pytest.fixture
def tenant(make, connect, provider):
    """A tenant that is connected with the small provider."""
    made = make.tenant()
    connect(made, issuer=provider.url)
    return made


@pytest.fixture
def member(make, tenant):
    return make.member(tenant, "Partner Operator", email=EMAIL, password=weak_hash())
