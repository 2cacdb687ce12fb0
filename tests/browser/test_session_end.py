"""The warning before the session ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, update

from models import clock
from models.accounts.user_session import UserSession
from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser


def change_sessions(make, **values) -> None:
    make.session.execute(update(UserSession).values(**values))
    make.session.commit()


@contextmanager
def asking(page) -> Iterator[None]:
    """Wait until the page has asked for the rest of the session in the block, and has a timer for its end again."""
    with page.expect_response("**/sessions/remaining") as asked:
        yield
    # When this answer has been read, the script has read its own.
    page.evaluate(
        "async url => (await fetch(url, { headers: { 'X-Background': '1' }, redirect: 'manual' })).text()",
        asked.value.url,
    )


@at_desk
def test_who_types_is_warned_and_loses_nothing(page, make, sound):
    user = make.member(make.tenant(), "Partner Operator", password=weak_hash())
    page.clock.install()
    sign_in(page, user.email)
    page.goto("/customers/add")
    page.get_by_label("会社名").first.fill("青空商店")
    dialog = page.get_by_role("dialog", name="まもなくセッションが終了します")
    with asking(page):
        page.clock.fast_forward("56:00")
    expect(dialog).to_be_hidden()

    change_sessions(make, last_seen_at=clock.utc_now() - timedelta(minutes=56))
    with asking(page):
        page.clock.fast_forward("56:00")
    expect(dialog).to_be_visible()
    sound(page)
    with asking(page):
        dialog.get_by_role("button", name="ログインを続ける").click()
    expect(dialog).to_be_hidden()

    change_sessions(make, revoked_at=func.now())
    with asking(page):
        page.clock.fast_forward("56:00")
    expect(page.get_by_text("ログアウトしました。これから送信する")).to_be_visible()
    dialog.get_by_role("button", name="閉じる").click()
    expect(page.get_by_label("会社名").first).to_have_value("青空商店")
