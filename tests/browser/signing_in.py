"""Signing in on the page people sign in on."""

from __future__ import annotations

from tests.factories import PASSWORD


def sign_in(page, email: str) -> None:
    """Sign in, and wait for the first page, whichever it is."""
    page.goto("/login/")
    page.get_by_label("メールアドレス").fill(email)
    page.get_by_label("パスワード").fill(PASSWORD)
    page.get_by_role("button", name="ログイン").click()
    page.locator("#main.page-body").wait_for()


def choose_tenant(page, tenant_id: str) -> None:
    """Choose a tenant on the page of tenants, as NEC staff with a reason, and wait for its dashboard."""
    page.get_by_role("button", name=tenant_id).first.click()
    reason = page.get_by_label("理由")
    page.get_by_role("heading", name="ダッシュボード", level=1).or_(reason).first.wait_for()
    if reason.count():
        reason.fill("問合せの調査")
        page.get_by_role("button", name="テナントに入る").click()
    page.get_by_role("heading", name="ダッシュボード", level=1).wait_for()
