"""§5.4.2 (1): every field at its limit and one past it; what is mailed, and to whom; two people editing."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.mail.outbox import MailMessage
from models.notifications import address as notification_address
from models.notifications.address import AddressLink
from tests.support.pages import Page

URL = "/notification-addresses/"
EMAIL = "メールアドレスの形式が正しくありません。"
TOO_LONG = "254文字以下で入力してください。"
NEEDED = "必須項目です。入力してください。"
AGAIN = "誤入力防止のため、同じメールアドレスをもう一度入力してください。"
DIFFERENT = "メールアドレスが一致していません。"
SAME = "ほかの項目と同じメールアドレスです。"
LONGEST = "a" * 64 + "@" + ".".join(["b" * 61] * 3) + ".jpn"


def told_beside(page: str, field: str) -> str:
    """What a page says is wrong with a field."""
    found = re.search(rf'id="{field}-error">(.*?)</div>\s*</div>', page, re.DOTALL)
    return found[1] if found else ""


def flashed(page: str) -> list[str]:
    return re.findall(r'<div class="lines">(.*?)</div>', page)


def is_asked_again(page: str, number: int) -> bool:
    tag = re.search(rf'<div data-again="address{number}"[^>]*>', page)[0]
    return "hidden" not in tag


@pytest.fixture
def save(operator):
    """Save the form as a person does who types every new address twice: ``save("a@example.jp")``."""

    def post(*addresses: str, client=operator, **over: str):
        padded = [*addresses, "", "", ""][:3]
        page = client.get(URL).text
        version = re.search(r'name="version"[^>]*value="(\d+)"', page)[1]
        typed = {f"address{number}": value for number, value in enumerate(padded, start=1)}
        again = {f"again{number}": value for number, value in enumerate(padded, start=1)}
        return client.post(URL, data=typed | again | {"version": version} | over, follow_redirects=True)

    return post


@pytest.fixture
def in_force(operator, in_tenant):
    def look() -> list[str]:
        with in_tenant(operator.tenant.id) as session:
            return notification_address.in_force(session, operator.tenant.id)

    return look


@pytest.fixture
def mails(make):
    def look() -> list[MailMessage]:
        make.session.expire_all()
        return list(make.session.scalars(select(MailMessage).order_by(MailMessage.id)))

    return look


@pytest.fixture
def link(app, mails):
    """The path of the link in the newest mail."""

    def look() -> str:
        return f"/confirm-address/{mails()[-1].secret}"

    return look


def test_the_screen_has_the_words_of_the_manual(operator):
    page = operator.get(URL).text

    assert re.search(r"<h1[^>]*>\s*通知先メールアドレス\s*</h1>", page)
    assert re.findall(r'<label class="form-label" for="\w+">\s*(.*?)\s*<', page) == [
        "メールアドレス",
        "メールアドレス確認",
        "メールアドレス2",
        "メールアドレス2 確認",
        "メールアドレス3",
        "メールアドレス3 確認",
    ]
    assert "テナント全体で共通です。" in page
    assert "メール設定を保存します。よろしいでしょうか。" in page
    assert [is_asked_again(page, number) for number in (1, 2, 3)] == [False, False, False]


def test_the_user_menu_leads_there(operator):
    assert '<a href="/notification-addresses/">メールアドレス設定</a>' in operator.get("/customers/").text


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("address", [LONGEST, "a@example.jp", " ａ＠ＥＸＡＭＰＬＥ．ｊｐ　"])
def test_an_address_at_its_limit_is_taken(save, number, address):
    addresses = ["first@example.com", "", ""]
    addresses[number - 1] = address

    answer = save(*addresses)

    assert answer.status_code == 200, told_beside(answer.text, f"address{number}")
    shown = LONGEST if address == LONGEST else "a@example.jp"
    assert f"通知メールアドレス({shown})へ確認メールを送信しました。" in flashed(answer.text)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("a" + LONGEST, TOO_LONG),
        ("no address", EMAIL),
        ("a@example.jp, b@example.jp", EMAIL),
        ("a@example.jp\r\nBcc: b@example.jp", EMAIL),
        ("a@localhost", EMAIL),
    ],
)
def test_an_address_past_its_limit_is_told_beside_it(save, mails, number, address, message):
    addresses = ["first@example.com", "", ""]
    addresses[number - 1] = address

    answer = save(*addresses)

    assert answer.status_code == 422
    assert message in told_beside(answer.text, f"address{number}")
    assert mails() == []


def test_the_first_address_is_needed(save, make, operator, in_force):
    make.confirmed_address(operator.tenant, "old@example.jp")

    for typed in ("", "　 "):
        answer = save(typed)
        assert answer.status_code == 422
        assert NEEDED in told_beside(answer.text, "address1")
    assert in_force() == ["old@example.jp"]


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("again", "message"), [("", AGAIN), ("nwe@example.jp", DIFFERENT), ("New@example.jp", DIFFERENT)]
)
def test_a_new_address_is_typed_twice(save, mails, number, again, message):
    addresses = ["first@example.jp", "", ""]
    addresses[number - 1] = "new@example.jp"

    answer = save(*addresses, **{f"again{number}": again})

    assert answer.status_code == 422
    assert message in told_beside(answer.text, f"again{number}")
    assert is_asked_again(answer.text, number)
    assert not is_asked_again(answer.text, 2 if number == 3 else 3)
    assert mails() == []


def test_only_an_address_that_changes_is_typed_twice(save, make, operator):
    make.confirmed_address(operator.tenant, "old@example.jp")

    answer = save("old@example.jp", "two@example.jp", again1="")

    assert flashed(answer.text) == ["通知メールアドレス(two@example.jp)へ確認メールを送信しました。"]


@pytest.mark.parametrize(
    ("addresses", "field"),
    [
        (("a@example.jp", "a@example.jp", ""), "address2"),
        (("a@example.jp", "", "A@Example.JP"), "address3"),
        (("a@example.jp", "b@example.jp", "b@example.jp"), "address3"),
    ],
)
def test_the_same_address_twice_is_told_beside_the_second(save, mails, addresses, field):
    answer = save(*addresses)

    assert answer.status_code == 422
    assert SAME in told_beside(answer.text, field)
    assert mails() == []


def test_each_changed_address_is_mailed_and_told(save, make, operator, mails):
    make.confirmed_address(operator.tenant, "old@example.jp")

    answer = save("old@example.jp", "two@example.jp", "three@example.jp")

    assert flashed(answer.text) == [
        "通知メールアドレス(two@example.jp)へ確認メールを送信しました。",
        "通知メールアドレス(three@example.jp)へ確認メールを送信しました。",
    ]
    assert [mail.recipient for mail in mails()] == ["two@example.jp", "three@example.jp"]


def test_the_mail_has_the_subject_and_a_link_into_the_portal_whatever_host_was_asked(app, make, operator, mails):
    elsewhere = "https://elsewhere.example"
    with operator.session_transaction(base_url=elsewhere) as session:
        session.update(_user_id=make.session_token(operator.user), _fresh=True, _id=None, tenant_id=operator.tenant.id)
    data = {"address1": "new@example.jp", "again1": "new@example.jp", "version": "0"}
    operator.post(URL, data=data, base_url=elsewhere, headers={"X-Forwarded-Host": "elsewhere.example"})

    (mail,) = mails()
    assert mail.subject == "【見守りサービス】登録メールアドレスの確認"
    assert mail.recipient == "new@example.jp"
    assert mail.tenant_id == operator.tenant.id
    assert operator.tenant.name in mail.body
    assert f"{app.config['PORTAL_URL']}/confirm-address/…" in mail.shown_body
    assert len(mail.secret) == 43
    assert "elsewhere" not in mail.body


def test_the_mail_does_not_say_that_the_address_is_registered(operator, mails, save):
    save("new@example.jp")

    (mail,) = mails()
    lines = mail.body.splitlines()
    assert f"このメールアドレスを {operator.tenant.name} の通知先とする設定が行われました。" in lines
    assert "登録はまだ完了していません。24時間のうちに次のページを開くと、登録が完了します。" in lines
    assert "登録されました" not in mail.body


def test_nothing_changed_is_saved_without_a_mail(save, make, operator, mails):
    make.confirmed_address(operator.tenant, "old@example.jp")

    assert flashed(save("old@example.jp").text) == ["メール設定を保存しました"]
    assert mails() == []


def test_an_address_taken_out_is_gone_at_once_without_a_mail(save, make, operator, mails, in_force):
    make.confirmed_address(operator.tenant, "old@example.jp")
    make.confirmed_address(operator.tenant, "two@example.jp", slot=2)

    assert flashed(save("old@example.jp", "").text) == ["メール設定を保存しました"]
    assert in_force() == ["old@example.jp"]
    assert mails() == []


def test_the_old_address_stays_in_force_until_the_link_is_used(app, save, make, operator, in_force, link):
    make.confirmed_address(operator.tenant, "old@example.jp")
    page = save("new@example.jp").text
    assert in_force() == ["old@example.jp"]
    assert "確認待ち" in page
    assert re.search(r'data-label="現在の通知先">\s*old@example.jp', page)
    assert 'name="address1" required type="email" value="new@example.jp"' in re.sub(r"\s+", " ", page)

    app.test_client().post(link())

    assert in_force() == ["new@example.jp"]
    assert "確認待ち" not in operator.get(URL).text


def test_an_address_set_back_to_the_one_in_force_withdraws_the_change(app, save, make, operator, link):
    make.confirmed_address(operator.tenant, "old@example.jp")
    save("new@example.jp")

    answer = save("old@example.jp", again1="")

    assert flashed(answer.text) == ["メール設定を保存しました"]
    assert "確認待ち" not in answer.text
    assert app.test_client().get(link()).status_code == 410


def test_sending_again_mails_a_new_link_and_ends_the_one_before(app, save, operator, mails, link):
    save("new@example.jp")
    before = link()

    answer = operator.post(f"{URL}send-again", data={"slot": "1"}, follow_redirects=True)

    assert flashed(answer.text) == ["通知メールアドレス(new@example.jp)へ確認メールを送信しました。"]
    assert [mail.recipient for mail in mails()] == ["new@example.jp"] * 2
    assert app.test_client().get(before).status_code == 410
    assert app.test_client().get(link()).status_code == 200


def test_an_expired_request_can_be_sent_again(save, make, operator):
    save("new@example.jp")
    make.session.query(AddressLink).update({"expires_at": clock.utc_now() - timedelta(seconds=1)})
    make.session.commit()

    page = operator.get(URL).text
    assert "期限切れ" in page
    assert "メールアドレスの確認が完了するまで、通知はどこにも届きません。" in page
    again = operator.post(f"{URL}send-again", data={"slot": "1"}, follow_redirects=True)
    assert "確認待ち" in again.text


def test_a_change_can_be_withdrawn(app, save, operator, link):
    save("new@example.jp")

    answer = operator.post(f"{URL}withdraw", data={"slot": "1"}, follow_redirects=True)

    assert flashed(answer.text) == ["new@example.jp への変更を取り消しました。"]
    assert app.test_client().get(link()).status_code == 410


@pytest.mark.parametrize("what", ["send-again", "withdraw"])
def test_a_slot_without_a_request_is_told_and_one_that_is_none_is_not_found(operator, what):
    told = operator.post(URL + what, data={"slot": "2"}, follow_redirects=True)
    statuses = [operator.post(URL + what, data={"slot": slot}).status_code for slot in ("", "0", "4", "x", "１")]

    assert flashed(told.text) == ["確認待ちのメールアドレスはもうありません。"]
    assert statuses == [404] * 5


def test_nobodys_mailbox_is_flooded(save, operator, mails):
    save("new@example.jp")
    for _ in range(5):
        answer = operator.post(f"{URL}send-again", data={"slot": "1"}, follow_redirects=True)

    assert flashed(answer.text) == [
        "このメールアドレスへ1日に送信できる確認メールの上限に達しました。明日以降に再度お試しください。"
    ]
    assert len(mails()) == 5


def test_the_limit_is_told_beside_the_field_too(save):
    for number in range(20):
        save(f"new{number}@example.jp")

    answer = save("new20@example.jp")

    assert answer.status_code == 422
    assert "テナントから1日に送信できる確認メールの上限に達しました。" in told_beside(answer.text, "address1")


def test_the_second_of_two_people_is_shown_what_the_first_saved(operator, make):
    make.confirmed_address(operator.tenant, "old@example.jp")
    both = {"address1": "old@example.jp", "version": "0"}
    operator.post(URL, data=both | {"address2": "first@example.jp", "again2": "first@example.jp"})

    second = {"address2": "second@example.jp", "again2": "second@example.jp"}
    refused = operator.post(URL, data=both | second)
    mended = re.search(r'name="version"[^>]*value="(\d+)"', refused.text)[1]
    taken = operator.post(URL, data=both | second | {"version": mended}, follow_redirects=True)

    assert refused.status_code == 409
    assert "編集中に、他の人がメールアドレスを変更しました。" in refused.text
    assert re.search(r'data-label="他の人が保存した内容">\s*<span class="lines">first@example.jp', refused.text)
    assert flashed(taken.text) == ["通知メールアドレス(second@example.jp)へ確認メールを送信しました。"]


@pytest.mark.parametrize("version", ["", "-1", "x", "9" * 20, "１"])
def test_a_version_of_nonsense_is_a_conflict(operator, version):
    data = {"address1": "a@example.jp", "again1": "a@example.jp", "version": version}

    assert operator.post(URL, data=data).status_code == 409


def test_a_viewer_sees_the_addresses_and_changes_nothing(make, signed_in, save, operator):
    make.confirmed_address(operator.tenant, "old@example.jp")
    save("old@example.jp", "two@example.jp")
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    main = Page(viewer.get(URL).text).main

    assert "old@example.jp" in main.text
    assert "two@example.jp" in main.text
    assert [each for each in main.all("input") if each.attributes["type"] != "hidden"] == []
    assert "再送" not in main.text
    assert [viewer.post(URL + path, data={"slot": "2"}).status_code for path in ("", "send-again", "withdraw")] == [
        403,
        403,
        403,
    ]


def test_another_tenant_has_its_own_addresses(make, signed_in, save, operator, in_force):
    make.confirmed_address(operator.tenant, "old@example.jp")
    other = make.tenant()
    theirs = signed_in(make.member(other, "Partner Operator"), other)

    assert "old@example.jp" not in theirs.get(URL).text
    save("new@example.jp", client=theirs)
    assert "new@example.jp" not in operator.get(URL).text
    assert in_force() == ["old@example.jp"]
    assert theirs.post(f"{URL}withdraw", data={"slot": "1"}, follow_redirects=True).status_code == 200
