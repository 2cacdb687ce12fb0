"""Single sign-on from the sign-in page to a provider on another site and back, past the Content-Security-Policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from models import sealed_secret
from models.tenants import identity_provider
from tests.support.openid_provider import running_provider

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("page", ["desk"], indirect=True)
def test_the_browser_is_led_to_the_provider_and_back(page, app, make, live_url, monkeypatch):
    monkeypatch.setitem(app.config, "PORTAL_URL", live_url)
    tenant = make.tenant(name="東販売")
    make.member(tenant, "Partner Operator", email="one@sso.example.jp")
    make.identity_domain(tenant=tenant, domain="sso.example.jp")
    sealed = sealed_secret.seal("the secret", identity_provider.purpose(tenant.id))
    with running_provider() as provider:
        make.identity_provider(tenant=tenant, issuer=provider.url, client_secret=sealed)

        page.goto("/login/")
        page.get_by_role("link", name="シングルサインオンでログイン").click()
        page.get_by_label("メールアドレス").fill("one@sso.example.jp")
        page.get_by_role("button", name="次へ").click()
        page.locator("#main.page-body").wait_for()

    expect(page).to_have_url(f"{live_url}/")
    expect(page.locator("header").first).to_contain_text("東販売")
