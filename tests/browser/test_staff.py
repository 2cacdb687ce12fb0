"""NEC's staff look after mail and jobs, with the mouse and with the keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from rq.results import Result

from jobs import queues
from tests.browser.signing_in import sign_in
from tests.browser.windows import at_desk
from tests.support.fixtures import weak_hash

pytestmark = pytest.mark.browser
NASTY = "<script>alert(1)</script>{{7*7}}😀" + "長い件名" * 42


@pytest.fixture
def mails(make):
    make.elevated("NEC Staff", email="staff@example.jp", password=weak_hash())
    tenant = make.tenant(name="株式会社とても長い名前のパートナー販売サービス東日本")
    for number in range(51):
        make.mail_message(state="sent", attempts=1, tenant_id=tenant.id, subject=f"お知らせ{number}")
    make.mail_message(
        state="failed", attempts=5, recipient="a.very.long.address" * 6 + "@example.com", last_error="550 no " * 30
    )
    return make.mail_message(
        state="failed", attempts=5, subject=NASTY, body=NASTY + "\n" + "x" * 400, last_error="<b>550</b> User unknown"
    )


@pytest.fixture
def failed_job(app, mails):
    with app.app_context():
        queue = queues.queue(queues.DEFAULT)
        job = queue.enqueue("jobs.mail.sweep", **queues.LIMITS)
        app.extensions["redis"].lrem(queue.key, 0, job.id)
        queue.failed_job_registry.add(job, ttl=3600)
        Result.create_failure(job, 3600, 'T:\n  File "/srv/models/mail/outbox.py", line 9, in f\nValueError: x\n')
        return job


def open_from_menu(page, name: str) -> None:
    """Go to a page by the side menu, which is behind a button on a phone."""
    if page.viewport_size["width"] < 992:
        page.locator("button.navbar-toggler").click()
    page.get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name, level=1).wait_for()


@at_desk
def test_staff_find_a_failed_mail_and_send_it_again(page, mails, sound):
    sign_in(page, "staff@example.jp")
    page.goto("/")
    sound(page)
    open_from_menu(page, "メール送信履歴")
    page.get_by_text("53件", exact=True).wait_for()
    sound(page)
    page.get_by_role("link", name="次へ").click()
    page.get_by_role("link", name="お知らせ0", exact=True).wait_for()
    page.get_by_role("link", name="前へ").click()
    page.get_by_label("ステータス", exact=True).select_option(label="失敗")
    page.get_by_role("button", name="検索").click()
    page.get_by_text("2件", exact=True).wait_for()
    sound(page)

    page.get_by_role("link", name=NASTY).click()
    page.get_by_role("heading", name=NASTY, level=1).wait_for()
    expect(page.locator(".mail-body")).to_contain_text(NASTY)
    sound(page)
    page.get_by_role("button", name="再送").click()
    page.get_by_role("dialog").get_by_role("button", name="キャンセル").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="再送").click()
    sound(page)
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("メールを再送します。").wait_for()
    expect(page.get_by_text("送信待ち", exact=True)).to_be_visible()
    sound(page)


@at_desk
def test_all_failed_mails_are_sent_again_by_keyboard_alone(page, mails):
    sign_in(page, "staff@example.jp")
    page.goto("/staff/mail/?state=failed")
    button = page.get_by_role("button", name="失敗分を再送")
    for _ in range(40):
        if button.evaluate("each => each === document.activeElement"):
            break
        page.keyboard.press("Tab")

    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("失敗したメール2件を再送します。")
    expect(page.get_by_role("dialog").get_by_role("button", name="OK")).to_be_focused()
    page.keyboard.press("Enter")

    page.get_by_text("失敗したメール2件を再送します。").first.wait_for()
    page.get_by_text("条件に一致するメールはありません。").wait_for()


@at_desk
def test_staff_run_a_failed_job_again_and_delete_one(page, failed_job, sound):
    sign_in(page, "staff@example.jp")
    page.goto("/")
    open_from_menu(page, "ジョブ")
    page.get_by_text("models/mail/outbox.py:9").wait_for()
    sound(page)
    page.get_by_role("button", name="再実行").click()
    sound(page)
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("ジョブをキューに戻しました。").wait_for()
    assert failed_job.get_status() == "queued"

    failed_job.connection.lrem("rq:queue:default", 0, failed_job.id)
    failed_job.failed_job_registry.add(failed_job, ttl=3600)
    page.goto("/staff/jobs/")
    page.get_by_role("button", name="jobs.mail.sweep を削除").click()
    page.get_by_role("dialog").get_by_role("button", name="OK").click()
    page.get_by_text("失敗したジョブを削除しました。").wait_for()
    page.get_by_text("直近24時間に失敗したジョブはありません。").wait_for()
    sound(page)
