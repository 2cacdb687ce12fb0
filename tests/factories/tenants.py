"""Tenants, and what is set up for each."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from models import clock
from models.tenants.access_origin import AccessOrigin
from models.tenants.api_token import PortalToken
from models.tenants.identity_domain import IdentityDomain
from models.tenants.identity_provider import IdentityProvider
from models.tenants.link import PortalLink
from models.tenants.tenant import Tenant

if TYPE_CHECKING:
    from tests.factories import Make


def tenant(make: Make, **values: Any) -> Tenant:
    return make.save(Tenant(**{"name": f"テナント{make.number()}"} | values))


def portal_link(make: Make, *, tenant: Tenant | None = None, **values: Any) -> PortalLink:
    defaults = {
        "name": "ご利用ガイド",
        "url": "https://www.example.jp/guide",
        "description": "使い方の説明です。",
        "posted_on": date(2026, 11, 1),
    }
    return make.save(PortalLink(tenant_id=(tenant or make.tenant()).id, **defaults | values))


def access_origin(make: Make, *, tenant: Tenant | None = None, **values: Any) -> AccessOrigin:
    defaults = {"origin": f"https://www{make.number()}.example.jp"}
    return make.save(AccessOrigin(tenant_id=(tenant or make.tenant()).id, **defaults | values))


def portal_token(make: Make, *, tenant: Tenant | None = None, **values: Any) -> PortalToken:
    number = make.number()
    defaults = {"name": f"顧客ポータル{number}", "token_hash": f"{number:064x}", "issued_at": clock.utc_now()}
    return make.save(PortalToken(tenant_id=(tenant or make.tenant()).id, **defaults | values))


def identity_provider(make: Make, *, tenant: Tenant | None = None, **values: Any) -> IdentityProvider:
    """The connection of a tenant with its OpenID provider."""
    defaults = {
        "issuer": "https://login.example.jp",
        "client_id": "portal",
        "client_secret": b"",
        "label": "社員ログイン",
        "active": True,
    }
    tenant_id = (tenant or make.tenant()).id
    return make.save(IdentityProvider(tenant_id=tenant_id, **defaults | values))


def identity_domain(make: Make, *, tenant: Tenant | None = None, **values: Any) -> IdentityDomain:
    """A confirmed domain."""
    defaults = {
        "domain": f"sso{make.number()}.example.jp",
        "proof": "p" * 32,
        "verified_at": clock.utc_now(),
        "verified_by": "staff@example.jp",
    }
    return make.save(IdentityDomain(tenant_id=(tenant or make.tenant()).id, **defaults | values))
