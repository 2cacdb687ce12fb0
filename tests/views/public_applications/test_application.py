"""§8.2.1: the application form, step by step."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from redis import Redis

from models import clock
from tests.support.pages import Page
from tests.support.public_forms import ENTERED, Visitor


def review_form(answer):
    """The form of a review page."""
    (form,) = (each for each in Page(answer.text).forms if "form_pass" in each.names)
    return form


def test_the_form_asks_for_all_of_the_application(visitor, make, tenant):
    make.application_field(tenant=tenant, title="従業員数", required=True)

    page = Page(visitor.client.get(visitor.path).text)

    assert page.title == "サービス利用申請 | サンプルパートナー"
    names = page.main_form.visible_names
    assert {"company", "deliveries-0-utm_count", "users-0-mobile", "consent"} <= set(names)
    assert "従業員数" in page.main.text


def test_the_review_page_shows_everything_and_stores_nothing(visitor, nothing_made):
    answer = visitor.post()

    assert answer.status_code == 200
    text = Page(answer.text).main.text
    assert "サービス利用申請 - 入力内容の確認" in text
    for value in ("株式会社みどり電機", "jiro@example.com", "情報システム部", "09012345678", "0612345679"):
        assert value in text
    nothing_made()


def test_sending_stores_the_application_and_mails_the_link(visitor, applications, mails):
    form = review_form(visitor.post())

    answer = visitor.client.post(visitor.path, data=form.sent(send="1"))

    (application,) = applications()
    assert answer.status_code == 302
    page = Page(visitor.client.get(answer.location).text)
    assert application.id in page.main.text
    assert "24時間" in page.main.text
    assert application.state == "unconfirmed"
    assert (application.company, application.phone, application.utm_count) == ("株式会社みどり電機", "0612345678", 2)
    assert [(user.name, user.mobile) for user in application.users] == [("緑川 四郎", "09012345678")]
    assert mails() == [("application_confirm", "jiro@example.com")]


def test_the_answers_to_extra_questions_are_stored(visitor, make, tenant, applications):
    text = make.application_field(tenant=tenant, title="従業員数", required=True)
    choice = make.application_field(tenant=tenant, title="業種", kind="choice", choices=["製造", "小売"])
    make.application_field(tenant=tenant, title="備考")
    make.application_field(tenant=tenant, title="廃止", retired_at=clock.utc_now())
    answers = {f"answer_{text.id}": "１２０名", f"answer_{choice.id}": "小売"}

    missing = visitor.post()
    wrong = visitor.post(**answers | {f"answer_{choice.id}": "農業"})
    visitor.send(**answers)

    assert "従業員数" in Page(missing.text).main.text
    assert (missing.status_code, Page(missing.text).error_of(f"answer_{text.id}")) == (
        422,
        "必須項目です。入力してください。",
    )
    assert (wrong.status_code, Page(wrong.text).error_of(f"answer_{choice.id}") != "") == (422, True)
    (application,) = applications()
    assert {answer.field_id: answer.value for answer in application.answers} == {text.id: "１２０名", choice.id: "小売"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("company", ""),
        ("company", "あ" * 41),
        ("last_name", "あ" * 101),
        ("department", "あ" * 41),
        ("title", "あ" * 256),
        ("email", "jiro"),
        ("email", f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 63}.jp"),
        ("phone", "1" * 16),
        ("phone", "でんわ"),
        ("postcode", "53-0001"),
        ("prefecture", "関東"),
        ("address", "あ" * 101),
        ("address", ""),
        ("deliveries-0-company", ""),
        ("deliveries-0-prefecture", ""),
        ("deliveries-0-utm_count", "0"),
        ("deliveries-0-utm_count", "100"),
        ("deliveries-0-utm_count", "２.5"),
        ("users-0-last_name", "あ" * 257),
        ("users-0-email", ""),
        ("users-0-mobile", "12345678901"),
        ("users-0-mobile", "090123456"),
        ("consent", ""),
    ],
)
def test_an_error_is_said_beside_its_field_and_the_rest_is_kept(visitor, nothing_made, name, value):
    answer = visitor.send(**{name: value})

    page = Page(answer.text)
    assert answer.status_code == 422
    assert page.error_of(name)
    kept = page.main_form.sent()
    expected = ENTERED | {"users-0-mobile": "09012345678"}
    changed = {key for key, typed in expected.items() if kept.get(key) != typed}
    assert changed <= {name}
    nothing_made()


def test_back_keeps_all_that_was_typed_of_several_rows(visitor, nothing_made):
    second = {name.replace("-0-", "-1-"): value for name, value in ENTERED.items() if "-0-" in name}
    second |= {"users-1-email": "goro@example.com", "users-1-mobile": "", "deliveries-1-company": "別館 <b>"}
    form = review_form(visitor.post(**second))

    page = Page(visitor.client.post(visitor.path, data=form.sent(back="1")).text)

    kept = page.main_form.sent()
    expected = ENTERED | second | {"users-0-mobile": "09012345678"}
    assert {name: kept[name] for name in expected} == expected
    nothing_made()


def test_rows_are_added_removed_and_filled_in_without_javascript(visitor):
    added = Page(visitor.post(add_delivery="1").text)
    copied = Page(visitor.post(copy_company="0", **{"deliveries-0-company": "", "deliveries-0-address": ""}).text)
    user = Page(visitor.post(copy_contact="0", **{"users-0-email": "", "users-0-last_name": "別"}).text)
    second = {name.replace("-0-", "-1-"): value for name, value in ENTERED.items() if name.startswith("deliveries")}
    removed = Page(visitor.post(remove_delivery="0", **second | {"deliveries-1-company": "二つ目"}).text)
    alone = Page(visitor.post(remove_delivery="0", remove_user="0").text)

    assert "deliveries-1-company" in added.main_form.names
    assert added.main_form.sent()["company"] == ENTERED["company"]
    assert copied.main_form.sent()["deliveries-0-company"] == ENTERED["company"]
    assert copied.main_form.sent()["deliveries-0-address"] == ENTERED["address"]
    assert copied.main_form.sent()["deliveries-0-utm_count"] == "2"
    assert user.main_form.sent()["users-0-email"] == ENTERED["email"]
    companies = [value for name, value in removed.main_form.sent().items() if name.endswith("-company")]
    assert companies == ["二つ目"]
    assert "deliveries-0-company" in alone.main_form.names


def test_an_address_is_filled_in_from_its_postcode(visitor):
    company = Page(visitor.post(find_address="1", postcode="733-0001", prefecture="", address="").text)
    delivery = Page(
        visitor.post(
            find_delivery_address="0", **{"deliveries-0-postcode": "733-0001", "deliveries-0-address": ""}
        ).text
    )
    unknown = Page(visitor.post(find_address="1", postcode="000-0000").text)

    assert company.main_form.sent()["prefecture"] == "広島県"
    assert company.main_form.sent()["address"].startswith("広島市西区")
    assert delivery.main_form.sent()["deliveries-0-prefecture"] == "広島県"
    assert unknown.error_of("postcode")
    assert unknown.main_form.sent()["address"] == ENTERED["address"]


def test_the_same_person_is_not_named_twice(visitor, nothing_made):
    second = {f"users-1-{name}": ENTERED[f"users-0-{name}"] for name in ("last_name", "first_name")}

    answer = visitor.send(**second | {"users-1-email": "SHIRO@example.com", "users-1-mobile": ""})

    assert answer.status_code == 422
    assert Page(answer.text).error_of("users-1-email")
    nothing_made()


@pytest.mark.parametrize(
    "changes",
    [
        {"company": "㈱髙﨑𠮷野家", "last_name": "髙橋", "first_name": "﨑"},
        {"company": "ｶﾌﾞｼｷｶﾞｲｼｬ ｻﾝﾌﾟﾙ", "users-0-last_name": "𠮷田"},
        {"company": "𠮷" * 40, "address": "𠮷" * 100},
        {"email": "taro..yamada.@docomo.ne.jp", "users-0-email": "-hana@ezweb.ne.jp"},
        {"company": 'O\'Brien & "Sons" <KK>', "deliveries-0-last_name": "Ｍüller"},
    ],
)
def test_real_names_and_addresses_are_stored_as_they_are_written(visitor, applications, changes):
    answer = visitor.send(**changes)

    assert answer.status_code == 302
    (application,) = applications()
    for name, value in changes.items():
        if "-" not in name:
            assert getattr(application, name) == value
    assert application.users[0].email == changes.get("users-0-email", ENTERED["users-0-email"])


def test_a_form_that_is_sent_twice_makes_one_application(visitor, applications, mails):
    carried = visitor.carried()

    first, second = visitor.send(carried), visitor.send(carried)
    changed = visitor.send(carried, company="別の会社")

    assert first.status_code == second.status_code == changed.status_code == 302
    assert (
        Page(visitor.client.get(second.location).text).main.text
        == Page(visitor.client.get(first.location).text).main.text
    )
    assert [each.company for each in applications()] == ["株式会社みどり電機", "別の会社"]
    assert len(mails()) == 2


def test_a_mailbox_is_not_flooded(visitor, applications):
    for number in range(5):
        assert visitor.send(company=f"会社{number}").status_code == 302

    answer = visitor.send(company="会社5")

    assert answer.status_code == 422
    assert "上限" in Page(answer.text).error_of("email")
    assert Page(answer.text).main_form.sent()["company"] == "会社5"
    assert len(applications()) == 5


def test_the_page_carries_the_tenants_brand(visitor, settings):
    settings(
        display_name="見守り <b>", colour="#ffee00", contact="03-1234-5678\n平日9時から", logo=b"x", logo_hash="ab" * 32
    )

    answer = visitor.client.get(visitor.path)

    assert "見守り &lt;b&gt;" in answer.text
    assert Page(answer.text).root.all(rel="stylesheet")[-1].attributes["href"] == "/brand/colour-ffee00.css"
    assert f'src="/brand/logo-{"ab" * 32}.png"' in answer.text
    assert "03-1234-5678" in Page(answer.text).main.text


def test_a_sent_page_is_not_made_up(app, visitor):
    answer = visitor.send()
    forged = re.sub(r".$", lambda last: "a" if last[0] != "a" else "b", answer.location[:-3]) + "abc"

    assert visitor.client.get(forged).status_code == 404


def test_the_form_works_over_https_with_csrf_and_without_a_session_before(app, visitor, monkeypatch, applications):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    base = {"base_url": "https://portal.example.jp"}
    form = Page(visitor.client.get(visitor.path, **base).text).main_form
    headers = {"Referer": f"https://portal.example.jp{visitor.path}"}

    answer = visitor.client.post(visitor.path, data=form.sent(ENTERED), headers=headers, **base)
    sent = review_form(answer).sent(send="1")
    done = visitor.client.post(visitor.path, data=sent, headers=headers, **base)
    elsewhere = app.test_client().post(visitor.path, data=sent, headers=headers, **base)

    assert (answer.status_code, done.status_code, elsewhere.status_code) == (200, 302, 400)
    assert len(applications()) == 1


def test_a_signed_in_person_applies_like_everybody(visitor, operator, applications):
    visitor.client = operator

    assert visitor.send().status_code == 302
    assert len(applications()) == 1
    assert operator.get("/customers/").status_code == 200


def test_a_form_that_was_open_for_a_day_is_shown_again_with_what_was_typed(visitor, monkeypatch, nothing_made):
    carried = visitor.carried()
    monkeypatch.setattr("views.public_applications.form_pass.LIFETIME", timedelta(seconds=-1))

    answer = visitor.send(carried)
    monkeypatch.undo()
    page = Page(answer.text)

    assert answer.status_code == 422
    assert "画面の有効期限が切れました" in page.main.text
    assert page.main_form.sent()["company"] == ENTERED["company"]
    nothing_made()
    assert visitor.client.post(visitor.path, data=page.main_form.sent(send="1")).status_code == 302


def test_two_clicks_at_the_same_moment_make_one_application(app, visitor, applications):
    carried = visitor.carried()
    together = Barrier(4)

    def send(_number):
        other = Visitor(app, visitor.path, ENTERED)
        together.wait(timeout=30)
        return other.send(carried).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(send, range(4)))

    assert statuses == [302] * 4
    assert len(applications()) == 1


def test_without_redis_forms_are_still_taken(app, visitor, applications, monkeypatch):
    monkeypatch.setitem(app.extensions, "redis", Redis.from_url("redis://127.0.0.1:1"))

    assert visitor.send().status_code == 302
    assert len(applications()) == 1


def test_a_step_takes_few_statements(visitor, make, tenant, statements):
    for number in range(5):
        make.application_field(tenant=tenant, title=f"質問{number}")
        make.access_origin(tenant=tenant, origin=f"https://www{number}.partner.example")
    headers = {"Referer": "https://www3.partner.example/"}
    statements.clear()

    assert visitor.client.get(visitor.path, headers=headers).status_code == 200
    assert len(statements) <= 8
