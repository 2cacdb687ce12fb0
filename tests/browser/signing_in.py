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
