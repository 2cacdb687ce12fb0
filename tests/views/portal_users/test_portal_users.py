"""ユーザ管理 of a customer (§7.4.4)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from models import clock
from models.actor import SYSTEM
from models.mail.outbox import MailMessage
from models.mail.sms import SmsMessage
from models.portal_users import rules
from models.portal_users.portal_user import PortalUser
from tests.support.pages import Page, answered

GOOD = {"last_name": "青空", "first_name": "みどり", "email": "midori@example.com", "mobile": "090-1234-5678"}


@pytest.fixture
def customer(make, operator):
    return make.customer(tenant=operator.tenant)


@pytest.fixture
def viewer(make, signed_in, operator):
    return signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)


def users_url(customer, path=""):
    return f"/customers/{customer.id}/users/{path}"


def mails(make):
    make.session.rollback()
    return make.session.execute(
        select(MailMessage.kind, MailMessage.recipient, MailMessage.body, MailMessage.secret).order_by(MailMessage.id)
    ).all()


def stored(make):
    make.session.rollback()
    make.session.expire_all()
    return make.session.scalars(select(PortalUser).order_by(PortalUser.created_at)).all()


def confirm(client, url, page_url, **changes):
    """Fill in the form of a page, and answer its question with OK."""
    form = Page(client.get(page_url).text).main_form
    return Page(client.post(url, data=answered(form.sent(changes)), follow_redirects=True).text)


def test_the_list_shows_each_user_with_its_sign_up_and_last_sign_in(operator, make, customer):
    now = clock.utc_now()
    make.portal_user(customer_row=customer, id="AA000001", last_name="青空", first_name="みどり", mobile="09012345678")
    make.portal_user(customer_row=customer, id="AA000002", sign_up_until=now - timedelta(days=1), mobile="")
    seen = now.replace(year=2026, month=11, day=1, hour=3, minute=4, second=5)
    make.portal_user(customer_row=customer, id="AA000003", signed_up_at=now, last_sign_in_at=seen)
    make.portal_user(customer_row=customer, id="AA000004", deleted_at=now)
    make.portal_user(tenant=operator.tenant, id="AA000005")

    page = Page(operator.get(users_url(customer)).text)

    assert page.column("ユーザID") == ["AA000001", "AA000002", "AA000003"]
    assert page.rows[0]["氏名"] == "青空 みどり"
    assert page.column("携帯番号") == ["09012345678", "-", "09012345678"]
    assert page.column("サインアップ") == ["サインアップ期間内", "期間切れ", "完了"]
    assert page.column("最終ログイン") == ["-", "-", "2026-11-01 12:04:05"]


def test_the_tab_is_open_on_the_list(operator, customer):
    page = Page(operator.get(users_url(customer)).text)

    assert [each.text for each in page.main.all("a", aria_current="page")] == ["ユーザ管理"]
    assert users_url(customer) in Page(operator.get(f"/customers/{customer.id}").text).links


def test_a_user_is_created_after_a_question_and_mailed_a_link_once(operator, make, customer):
    form = Page(operator.get(users_url(customer, "add")).text).main_form
    sent = form.sent(GOOD)
    asked = operator.post(users_url(customer, "add"), data=sent).text
    assert "ユーザを作成します。よろしいでしょうか。" in Page(asked).main.text
    assert stored(make) == []

    answers = [operator.post(users_url(customer, "add"), data=answered(sent)) for _ in range(2)]

    assert {answer.status_code for answer in answers} == {302}
    (user,) = stored(make)
    assert (user.name, user.email, user.mobile) == ("青空 みどり", "midori@example.com", "09012345678")
    (mail,) = mails(make)
    assert (mail.kind, mail.recipient) == ("portal_user_invited", "midori@example.com")
    assert "https://customer.example.jp/sign-up/" in mail.body
    assert mail.secret.startswith("psu_")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("last_name", "", "必須項目です。入力してください。"),
        ("first_name", " ", "必須項目です。入力してください。"),
        ("last_name", "あ" * 257, "256文字以下で入力してください。"),
        ("first_name", "あ" * 257, "256文字以下で入力してください。"),
        ("email", "a" * 243 + "@example.com", "254文字以下で入力してください。"),
        ("email", "midori", "メールアドレスの形式が正しくありません。"),
        ("mobile", "090123456789", "0で始まる10桁または11桁の携帯番号を入力してください。"),
        ("mobile", "19012345678", "0で始まる10桁または11桁の携帯番号を入力してください。"),
        ("mobile", "090abc45678", "0で始まる10桁または11桁の携帯番号を入力してください。"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(operator, make, customer, name, value, message):
    answer = operator.post(users_url(customer, "add"), data=GOOD | {name: value})

    assert answer.status_code == 422
    assert Page(answer.text).error_of(name) == message
    assert (stored(make), mails(make)) == ([], [])


def test_the_longest_values_fit(operator, make, customer):
    longest = {"last_name": "あ" * 256, "first_name": "い" * 256, "mobile": "0312345678"}

    answer = operator.post(users_url(customer, "add"), data=GOOD | longest)

    assert answer.status_code == 302
    assert stored(make)[0].mobile == "0312345678"


def test_an_address_is_used_once_by_a_customer(operator, make, customer):
    make.portal_user(customer_row=customer, email="MIDORI@example.com")

    answer = operator.post(users_url(customer, "add"), data=GOOD)

    assert answer.status_code == 422
    assert "この顧客の別のユーザが" in Page(answer.text).error_of("email")
    other = make.customer(tenant=operator.tenant)
    assert operator.post(users_url(other, "add"), data=GOOD).status_code == 302


def test_a_customer_has_a_hundred_users(operator, make, customer):
    for _ in range(100):
        make.portal_user(customer_row=customer)

    answer = operator.post(users_url(customer, "add"), data=GOOD)

    assert answer.status_code == 422
    assert "100" in Page(answer.text).main.text


def test_a_user_is_edited_after_a_question_and_something_must_change(operator, make, customer):
    user = make.portal_user(customer_row=customer, signed_up_at=clock.utc_now())
    url = users_url(customer, f"{user.id}/edit")
    form = Page(operator.get(url).text).main_form
    asked = operator.post(url, data=form.sent(last_name="海原")).text
    assert "ユーザを編集します。よろしいでしょうか。" in Page(asked).main.text

    unchanged = operator.post(url, data=answered(form.sent()))
    page = confirm(operator, url, url, last_name="海原", mobile="")

    assert unchanged.status_code == 422
    assert "ユーザを編集しました。" in page.main.text
    assert (stored(make)[0].last_name, stored(make)[0].mobile) == ("海原", "")
    assert mails(make) == []


def test_the_history_below_the_form_is_in_words(operator, make, customer):
    operator.post(users_url(customer, "add"), data=GOOD)
    (user,) = stored(make)
    rules.record_password_set(make.session, user, now=datetime(2026, 11, 2, 1, 30, tzinfo=UTC), by=SYSTEM)
    make.session.commit()

    page = Page(operator.get(users_url(customer, f"{user.id}/edit")).text)

    changes = [(each["項目"], each["変更後"]) for each in page.rows]
    assert changes[0] == ("パスワード設定", "-")
    assert [item for item, _ in changes[1:]] == [
        "メールアドレス",
        "氏名（名）",
        "氏名（姓）",
        "携帯番号",
        "サインアップ期限",
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", dict(changes)["サインアップ期限"])


def test_a_new_address_before_the_sign_up_gets_a_new_link(operator, make, customer):
    user = make.portal_user(customer_row=customer)
    url = users_url(customer, f"{user.id}/edit")

    confirm(operator, url, url, email="new@example.com")

    assert [(mail.kind, mail.recipient) for mail in mails(make)] == [("portal_user_invited", "new@example.com")]


def test_a_user_is_deleted_after_a_question_and_gone_from_the_list(operator, make, customer):
    user = make.portal_user(customer_row=customer)
    url = users_url(customer, f"{user.id}/delete")
    form = Page(operator.get(users_url(customer)).text).form_to(url)
    assert "削除します。よろしいでしょうか。" in Page(operator.post(url, data=form.sent()).text).main.text

    page = Page(operator.post(url, data=answered(form.sent()), follow_redirects=True).text)

    assert "ユーザを削除しました。" in page.main.text
    assert page.column("ユーザID") == []
    assert stored(make)[0].deleted_at is not None


def test_the_sign_up_mail_is_sent_again_for_seven_more_days(operator, make, customer):
    user = make.portal_user(customer_row=customer, sign_up_until=clock.utc_now() - timedelta(days=3))
    url = users_url(customer, f"{user.id}/send-again")
    form = Page(operator.get(users_url(customer)).text).form_to(url)
    assert mails(make) == []

    page = Page(operator.post(url, data=answered(form.sent()), follow_redirects=True).text)

    assert "仮登録のメールを送信しました。" in page.main.text
    assert page.column("サインアップ") == ["サインアップ期間内"]
    assert timedelta(days=6) < stored(make)[0].sign_up_until - clock.utc_now() <= timedelta(days=7)
    assert [mail.kind for mail in mails(make)] == ["portal_user_invited"]


def test_only_a_user_who_signed_up_gets_a_mail_to_reset_the_password(operator, make, customer):
    waiting = make.portal_user(customer_row=customer, id="AA000001")
    signed_up = make.portal_user(customer_row=customer, id="AA000002", signed_up_at=clock.utc_now())
    actions = {each.action for each in Page(operator.get(users_url(customer)).text).sendings}
    reset = users_url(customer, f"{signed_up.id}/reset-password")
    assert reset in actions
    assert users_url(customer, f"{waiting.id}/reset-password") not in actions
    assert users_url(customer, f"{signed_up.id}/send-again") not in actions

    done = Page(operator.post(reset, follow_redirects=True).text)
    refused = operator.post(users_url(customer, f"{waiting.id}/reset-password"), follow_redirects=True)
    late = operator.post(users_url(customer, f"{signed_up.id}/send-again"), follow_redirects=True)

    assert "パスワードリセットのメールを送信しました。" in done.main.text
    assert "まだサインアップを完了していません" in Page(refused.text).main.text
    assert "既にサインアップを完了しています" in Page(late.text).main.text
    (mail,) = mails(make)
    assert (mail.kind, mail.recipient) == ("password_reset_mail", signed_up.email)
    assert "https://customer.example.jp/password-reset/" in mail.body


def test_the_password_is_reset_by_sms_only_of_a_user_with_a_mobile_number(operator, make, customer):
    with_mobile = make.portal_user(customer_row=customer, signed_up_at=clock.utc_now(), mobile="09012345678")
    without = make.portal_user(customer_row=customer, signed_up_at=clock.utc_now(), mobile="")
    by_sms = users_url(customer, f"{with_mobile.id}/reset-password-by-sms")
    impossible = users_url(customer, f"{without.id}/reset-password-by-sms")

    page = operator.get(users_url(customer)).text
    assert by_sms in page
    assert impossible not in page
    done = Page(operator.post(by_sms, follow_redirects=True).text)
    refused = Page(operator.post(impossible, follow_redirects=True).text)

    assert "パスワードリセットのSMSを送信しました。" in done.main.text
    assert "携帯番号" in refused.main.text
    (message,) = make.session.scalars(select(SmsMessage))
    assert (message.kind, message.recipient) == ("password_reset_sms", "09012345678")


def test_the_sixth_reset_within_an_hour_is_refused(operator, make, customer):
    user = make.portal_user(customer_row=customer, signed_up_at=clock.utc_now())
    reset = users_url(customer, f"{user.id}/reset-password")

    pages = [Page(operator.post(reset, follow_redirects=True).text).main.text for _ in range(6)]

    assert all("パスワードリセットのメールを送信しました。" in page for page in pages[:5])
    assert "直近1時間にパスワードリセットを5回送信しています。" in pages[5]
    assert len(mails(make)) == 5


def test_a_viewer_looks_and_changes_nothing(viewer, make, customer):
    user = make.portal_user(customer_row=customer)
    page = Page(viewer.get(users_url(customer)).text)

    assert page.column("ユーザID") == [user.id]
    assert [each for each in page.sendings if "/users/" in each.action and each.posts] == []
    for path in ("add", f"{user.id}/edit", f"{user.id}/delete", f"{user.id}/send-again", f"{user.id}/reset-password"):
        assert viewer.post(users_url(customer, path), data=GOOD).status_code == 403
    assert mails(make) == []


def test_users_of_another_tenant_or_customer_are_not_found(operator, make, customer):
    theirs = make.portal_user()
    other = make.portal_user(tenant=operator.tenant)

    assert operator.get(users_url(theirs.customer)).status_code == 404
    for user in (theirs, other):
        assert operator.get(users_url(customer, f"{user.id}/edit")).status_code == 404
    assert mails(make) == []


def test_a_deleted_customer_takes_its_users_with_it(operator, make, customer):
    user = make.portal_user(customer_row=customer)

    operator.post(f"/customers/{customer.id}/delete")

    assert stored(make)[0].deleted_at is not None
    assert operator.get(users_url(customer)).status_code == 404
    assert operator.get("/customers/").status_code == 200
    make.session.execute(text("UPDATE customer SET deleted_at = NULL"))
    make.session.commit()
    assert user.id not in operator.get(users_url(customer)).text
