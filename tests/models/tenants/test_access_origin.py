"""§5.4.1: from which sites the application form may be opened."""

from __future__ import annotations

import pytest

from models.tenants import access_origin
from models.tenants.access_origin import AccessOrigin


@pytest.fixture
def allowed(make, ours, theirs):
    """Our tenant allows two sites, the other one site."""
    for tenant_id, origin in (
        (ours.tenant_id, "https://www.example.jp"),
        (ours.tenant_id, "https://shop.example.jp:8443"),
        (theirs.tenant_id, "https://www.example.com"),
    ):
        make.session.add(AccessOrigin(tenant_id=tenant_id, origin=origin))
    make.session.commit()


@pytest.mark.parametrize(
    ("referrer", "allows"),
    [
        ("https://www.example.jp/", True),
        ("https://www.example.jp/service/?a=1", True),
        ("https://WWW.EXAMPLE.JP/", True),
        ("https://shop.example.jp:8443/x", True),
        ("http://www.example.jp/", False),
        ("https://shop.example.jp/", False),
        ("https://example.jp/", False),
        ("https://www.example.jp.evil.example/", False),
        ("https://www.example.jp@evil.example/", False),
        ("https://www.example.com/", False),
        ("", False),
        (None, False),
    ],
)
def test_with_entries_the_origin_must_be_among_them(allowed, ours, in_tenant, referrer, allows):
    with in_tenant(ours.tenant_id) as session:
        assert access_origin.allows(session, referrer) is allows


@pytest.mark.parametrize("referrer", ["https://www.example.org/", "", None])
def test_without_entries_every_site_is_allowed(ours, in_tenant, referrer):
    with in_tenant(ours.tenant_id) as session:
        assert access_origin.allows(session, referrer) is True
