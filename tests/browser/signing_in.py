"""Signing in and entering a tenant."""

from __future__ import annotations

import re

from tests.factories import PASSWORD

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


def sign_in_by_form(page, email: str) -> None:
    """Sign in on the page people sign in on, and wait for the first page, whichever it is."""
    page.goto("/login/")
    page.get_by_label("メールアドレス").fill(email)
    page.get_by_label("パスワード").fill(PASSWORD)
    page.get_by_role("button", name="ログイン", exact=True).click()
    page.locator("#main.page-body").wait_for()


def sign_in(page, email: str = "operator@example.jp") -> None:
    """Let the browser be signed in; it still shows the page it showed.

    The form is sent as a browser does, but not shown: that and the dashboard take most of the time of a short test.
    """
    _send(page, "/login/", "/login/", {"email": email, "password": PASSWORD})


def enter_tenant(page, tenant_id: str) -> None:
    """Let the browser's session be in a tenant; NEC staff give a reason. It still shows the page it showed."""
    _send(page, "/tenants/", "/tenants/select", {"tenant_id": tenant_id, "reason": "問合せの調査"})


def choose_tenant(page, tenant_id: str) -> None:
    """Choose a tenant on the page of tenants, as NEC staff with a reason, and wait for its dashboard."""
    page.get_by_role("button", name=tenant_id).first.click()
    reason = page.get_by_label("理由")
    page.get_by_role("heading", name="ダッシュボード", level=1).or_(reason).first.wait_for()
    if reason.count():
        reason.fill("問合せの調査")
        page.get_by_role("button", name="テナントに入る").click()
    page.get_by_role("heading", name="ダッシュボード", level=1).wait_for()


def _send(page, form_url: str, url: str, values: dict[str, str]) -> None:
    token = _TOKEN.search(page.request.get(form_url).text())[1]
    answer = page.request.post(url, form={"csrf_token": token} | values, max_redirects=0)
    assert answer.status == 302, answer.text()
