"""§5.4.1: every field at its limit and one past it; the lists with their buttons; two people; who may only look."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

URL = "/tenant-settings/"
GOOD = {"utm_applications": "1", "shortage_grace_days": "20", "version": "0"}
LINK = {
    "name": "ご利用ガイド",
    "url": "https://www.example.jp/guide",
    "description": "使い方の説明です。",
    "posted_on": "2026-11-01",
}
NEEDED = "必須項目です。入力してください。"
DAYS = "0～99の整数で入力してください。"
ORIGIN = "http:// または https:// に続けてドメイン名を入力してください（例：https://www.example.jp/）。"
WITH_A_PATH = "ドメイン名までを入力してください。ディレクトリ名などは指定できません。"
PAGE = "http:// または https:// で始まるURLを入力してください。"
DAY = "日付を2000年～2100年の範囲で入力してください（例：2026-04-01）。"
LONG_HOST = "https://" + ".".join(["a" * 61] * 4)

AT_THE_LIMIT = [
    ("utm_applications", "1"),
    ("utm_applications", "0"),
    ("report_pdf", "1"),
    ("report_pdf", "0"),
    ("second_factor_required", "1"),
    ("passkey_sign_in", "1"),
    ("shortage_grace_days", "0"),
    ("shortage_grace_days", "99"),
    ("shortage_grace_days", "９９"),
    ("origins-0", "https://www.example.jp/"),
    ("origins-0", "http://192.0.2.1:8080"),
    ("origins-0", "ｈｔｔｐｓ：／／日本語．jp"),
    ("origins-0", LONG_HOST),
    ("links-0-name", "あ" * 100),
    ("links-0-url", "https://www.example.jp/" + "u" * 1977),
    ("links-0-url", "http://www.example.jp/案内?q=見守り"),
    ("links-0-description", "あ" * 500),
    ("links-0-description", "一行目\r\n二行目"),
    ("links-0-posted_on", "2000-01-01"),
    ("links-0-posted_on", "2100-12-31"),
]
PAST_THE_LIMIT = [
    ("utm_applications", "2", "いずれかを選択してください。"),
    ("report_pdf", "2", "いずれかを選択してください。"),
    ("second_factor_required", "2", "いずれかを選択してください。"),
    ("passkey_sign_in", "", "いずれかを選択してください。"),
    ("shortage_grace_days", "", NEEDED),
    ("shortage_grace_days", "100", DAYS),
    ("shortage_grace_days", "-1", DAYS),
    ("shortage_grace_days", "1.5", DAYS),
    ("shortage_grace_days", "二十", DAYS),
    ("shortage_grace_days", "9" * 5000, DAYS),
    ("origins-0", "", NEEDED),
    ("origins-0", "www.example.jp", ORIGIN),
    ("origins-0", "ftp://www.example.jp", ORIGIN),
    ("origins-0", "javascript:alert(1)", ORIGIN),
    ("origins-0", "https://user:word@www.example.jp", ORIGIN),
    ("origins-0", "https://www.example.jp:65536", ORIGIN),
    ("origins-0", "https://www.example.jp/shop", WITH_A_PATH),
    ("origins-0", "https://www.example.jp/?a=1", WITH_A_PATH),
    ("origins-0", LONG_HOST + "/", "255文字以下で入力してください。"),
    ("links-0-name", "", NEEDED),
    ("links-0-name", "あ" * 101, "100文字以下で入力してください。"),
    ("links-0-name", "一\n二", "改行や制御文字は使用できません。"),
    ("links-0-url", "", NEEDED),
    ("links-0-url", "https://www.example.jp/" + "u" * 1978, "2000文字以下で入力してください。"),
    ("links-0-url", "javascript:alert(1)", PAGE),
    ("links-0-url", "//www.example.jp", PAGE),
    ("links-0-url", "www.example.jp", PAGE),
    ("links-0-url", "https://www.example.jp/a b", PAGE),
    ("links-0-description", "", NEEDED),
    ("links-0-description", "あ" * 501, "500文字以下で入力してください。"),
    ("links-0-posted_on", "", NEEDED),
    ("links-0-posted_on", "2026-13-01", DAY),
    ("links-0-posted_on", "1999-12-31", DAY),
    ("links-0-posted_on", "2101-01-01", DAY),
    ("links-0-posted_on", "明日", DAY),
]


def link(number: int | str = 0, **values: str) -> dict[str, str]:
    """The fields of a link on the form."""
    prefix = "new_link" if number == "new" else f"links-{number}"
    return {f"{prefix}-{name}": value for name, value in (LINK | values).items()}


def whole(field: str, value: str) -> dict[str, str]:
    """A form that is good but for one field."""
    part = link() if field.startswith("links") else {}
    return GOOD | part | {field: value}


def told_beside(page: str, field: str) -> str:
    """What a page says is wrong with a field."""
    found = re.search(rf'id="{field}-error">(.*?)</div>\s*</div>', page, re.DOTALL)
    return found[1] if found else ""


def shown(page: str) -> dict[str, str]:
    """The inputs of the page's form and what is in them, text areas left out."""
    inputs = re.findall(r"<input[^>]*>", page)
    return {
        name[1]: value[1]
        for each in inputs
        if (name := re.search(r' name="([^"]*)"', each)) and (value := re.search(r' value="([^"]*)"', each))
    }


def count(make, table: str) -> int:
    make.session.rollback()
    return make.session.scalar(text(f"SELECT count(*) FROM {table}"))


def stored(make) -> dict[str, object]:
    make.session.rollback()
    row = make.session.execute(text("SELECT * FROM tenant_settings")).mappings().one_or_none()
    return dict(row or {})


def test_a_new_tenant_sees_the_defaults(operator):
    page = operator.get(URL).text

    assert shown(page)["shortage_grace_days"] == "20"
    assert re.search(r'<input[^>]*checked[^>]*value="1"', page)
    for heading in (
        "サービス申込みページアクセス許可URL追加",
        "サービス申込みページアクセス許可URL一覧",
        "リンク情報追加",
        "リンク一覧",
        "サービス利用申請情報 追加項目",
    ):
        assert heading in page


@pytest.mark.parametrize(("field", "value"), AT_THE_LIMIT)
def test_a_field_takes_its_limit(operator, field, value):
    answer = operator.post(URL, data=whole(field, value), follow_redirects=True)

    assert "設定を保存しました。" in answer.text, told_beside(answer.text, field)


@pytest.mark.parametrize(("field", "value", "message"), PAST_THE_LIMIT)
def test_a_field_past_its_limit_is_told_beside_it(operator, make, field, value, message):
    answer = operator.post(URL, data=whole(field, value))

    assert answer.status_code == 422
    assert told_beside(answer.text, field).count("<div>") == 1
    assert message in told_beside(answer.text, field)
    assert (stored(make), count(make, "access_origin"), count(make, "portal_link")) == ({}, 0, 0)


def test_everything_is_saved_together_and_shown_again(operator, make):
    plain = {"utm_applications": "0", "shortage_grace_days": "7", "report_pdf": "1"}
    data = GOOD | link() | plain | {"origins-0": "HTTPS://www.example.jp/"}

    page = operator.post(URL, data=data, follow_redirects=True).text

    assert "設定を保存しました。" in page
    values = shown(page)
    assert (values["shortage_grace_days"], values["origins-0"]) == ("7", "https://www.example.jp")
    assert (values["links-0-name"], values["links-0-posted_on"], values["version"]) == (
        "ご利用ガイド",
        "2026-11-01",
        "1",
    )
    changed = {
        "tenant_id": operator.tenant.id,
        "utm_applications": False,
        "shortage_grace_days": 7,
        "report_pdf": True,
        "display_name": "",
        "colour": "#1d4ed8",
        "contact": "",
        "logo": None,
        "logo_hash": "",
        "invitation_number": 1,
        "version": 1,
    }
    assert stored(make).items() >= changed.items()
    actor = make.session.execute(text("SELECT actor, action FROM audit_entry")).one()
    assert tuple(actor) == (operator.user.email, "tenant_settings.changed")


def test_saving_what_is_there_changes_nothing(operator, make):
    page = operator.post(URL, data=GOOD, follow_redirects=True).text

    assert "設定を保存しました。" in page
    assert count(make, "audit_entry") == 0


def test_adding_a_url_puts_it_into_the_list_and_stores_nothing(operator, make):
    data = GOOD | {"shortage_grace_days": "55", "new_origin": "HTTPS://WWW.Example.jp:443/", "add_origin": "1"}

    answer = operator.post(URL, data=data)

    values = shown(answer.text)
    assert answer.status_code == 200
    assert (values["origins-0"], values["new_origin"], values["shortage_grace_days"]) == (
        "https://www.example.jp",
        "",
        "55",
    )
    assert "まだ保存されていません。" in answer.text
    assert (stored(make), count(make, "access_origin")) == ({}, 0)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", NEEDED),
        ("www.example.jp", ORIGIN),
        ("https://www.example.jp/shop", WITH_A_PATH),
        ("https://WWW.example.jp:443/", "このURLは既に一覧にあります。"),
    ],
)
def test_a_url_that_cannot_be_added_is_told_beside_its_field(operator, typed, message):
    data = GOOD | {"origins-0": "https://www.example.jp", "new_origin": typed, "add_origin": "1"}

    answer = operator.post(URL, data=data)

    assert answer.status_code == 422
    assert message in told_beside(answer.text, "new_origin")
    assert shown(answer.text)["new_origin"] == typed


def test_a_url_twice_in_the_list_is_told_beside_the_second(operator):
    data = GOOD | {"origins-0": "https://www.example.jp", "origins-1": "https://www.example.jp/"}

    answer = operator.post(URL, data=data)

    assert told_beside(answer.text, "origins-0") == ""
    assert "このURLは既に一覧にあります。" in told_beside(answer.text, "origins-1")


def test_adding_a_link_needs_all_of_it(operator):
    answer = operator.post(URL, data=GOOD | {"new_link-name": "ご利用ガイド", "add_link": "1"})

    assert answer.status_code == 422
    assert told_beside(answer.text, "new_link-name") == ""
    for field in ("url", "description", "posted_on"):
        assert NEEDED in told_beside(answer.text, f"new_link-{field}")


def test_adding_a_link_puts_it_at_the_end_and_stores_nothing(operator, make):
    answer = operator.post(URL, data=GOOD | link(0, name="一つ目") | link("new", name="二つ目") | {"add_link": "1"})

    values = shown(answer.text)
    assert answer.status_code == 200
    assert (values["links-0-name"], values["links-1-name"], values["new_link-name"]) == ("一つ目", "二つ目", "")
    assert count(make, "portal_link") == 0


def test_deleting_takes_one_entry_from_the_list_and_stores_nothing(operator, make):
    make.portal_link(tenant=operator.tenant, name="残る")
    make.portal_link(tenant=operator.tenant, name="消える")
    data = shown(operator.get(URL).text) | {"links-0-description": "x", "links-1-description": "x"}

    answer = operator.post(URL, data=data | {"delete_link": "1"})

    assert "残る" in answer.text
    assert "消える" not in answer.text
    assert count(make, "portal_link") == 2


def test_an_entry_deleted_and_saved_is_gone(operator, make):
    for origin in ("https://a.example.jp", "https://b.example.jp", "https://c.example.jp"):
        make.access_origin(tenant=operator.tenant, origin=origin)
    data = shown(operator.get(URL).text)

    left = shown(operator.post(URL, data=data | {"delete_origin": "1"}).text)
    del left["ask"]
    page = operator.post(URL, data=left | {"utm_applications": "1"}, follow_redirects=True).text

    assert "設定を保存しました。" in page
    assert list(make.session.scalars(text("SELECT origin FROM access_origin ORDER BY id"))) == [
        "https://a.example.jp",
        "https://c.example.jp",
    ]


@pytest.mark.parametrize("place", ["9", "-1", "x", "²", ""])
def test_deleting_what_is_not_there_deletes_nothing(operator, place):
    answer = operator.post(URL, data=GOOD | {"origins-0": "https://www.example.jp", "delete_origin": place})

    assert answer.status_code == 422
    assert shown(answer.text)["origins-0"] == "https://www.example.jp"


def test_what_was_typed_and_not_added_is_saved_too(operator, make):
    data = GOOD | link("new") | {"new_origin": "https://www.example.jp/"}

    operator.post(URL, data=data)

    assert (count(make, "access_origin"), count(make, "portal_link")) == (1, 1)


def test_what_was_typed_and_cannot_be_added_is_told(operator, make):
    answer = operator.post(URL, data=GOOD | {"new_origin": "www.example.jp"})

    assert answer.status_code == 422
    assert ORIGIN in told_beside(answer.text, "origins-0")
    assert count(make, "access_origin") == 0


def test_the_51st_entry_is_refused(operator, make):
    full = {f"origins-{number}": f"https://{number}.example.jp" for number in range(50)}

    added = operator.post(URL, data=GOOD | full | {"new_origin": "https://x.example.jp", "add_origin": "1"})
    saved = operator.post(URL, data=GOOD | full | {"new_origin": "https://x.example.jp"})

    assert "登録できるのは50件までです。" in told_beside(added.text, "new_origin")
    assert saved.status_code == 422
    assert "登録できるのは50件までです。" in saved.text
    assert operator.post(URL, data=GOOD | full).status_code == 302


def test_a_form_of_thousands_of_entries_is_refused_at_once(operator, make):
    many = {f"links-{number}-name": "x" for number in range(10_000)}

    assert operator.post(URL, data=GOOD | many).status_code == 422


def test_the_second_of_two_people_is_shown_what_the_first_saved(operator, make):
    operator.post(URL, data=GOOD | link(0, name="先に保存した") | {"shortage_grace_days": "30"})

    second = operator.post(URL, data=GOOD | link(0, name="後から保存した") | {"origins-0": "https://www.example.jp"})
    mended = shown(second.text)["version"]
    third = operator.post(URL, data=GOOD | link(0, name="後から保存した") | {"version": mended}, follow_redirects=True)

    assert second.status_code == 409
    assert "他の人が設定を保存しました。" in second.text
    for told in ("先に保存した", "後から保存した", "30", "https://www.example.jp"):
        assert told in second.text
    assert "設定を保存しました。" in third.text
    assert list(make.session.scalars(text("SELECT name FROM portal_link"))) == ["後から保存した"]


def test_the_second_with_the_same_values_is_told_too(operator):
    operator.post(URL, data=GOOD | {"shortage_grace_days": "30"})

    second = operator.post(URL, data=GOOD | {"shortage_grace_days": "30"})

    assert second.status_code == 409
    assert "他の人が同じ内容を保存しました。" in second.text


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
def test_a_version_of_nonsense_is_a_conflict(operator, version):
    assert operator.post(URL, data=GOOD | {"version": version}).status_code == 409


def test_a_forged_key_reaches_no_link_of_another_tenant(operator, make):
    theirs = make.portal_link(name="よその案内")

    operator.post(URL, data=GOOD | link() | {"links-0-key": str(theirs.id)})

    rows = make.session.execute(text("SELECT tenant_id, name FROM portal_link ORDER BY id")).all()
    assert [tuple(row) for row in rows] == [
        (theirs.tenant_id, "よその案内"),
        (operator.tenant.id, "ご利用ガイド"),
    ]


def test_the_additional_items_are_shown_and_not_editable(operator, make):
    make.application_field(tenant=operator.tenant, title="従業員数", required=True)
    make.application_field(tenant=operator.tenant, title="連絡方法", kind="choice", choices=["電話", "メール"])
    make.application_field(tenant=operator.tenant, title="終わった項目", retired_at="2026-11-01")
    make.application_field(title="よその項目")

    page = operator.get(URL).text

    for told in ("従業員数", "必須項目", "テキスト", "連絡方法", "任意項目", "選択", "電話\nメール"):
        assert told in page
    assert "終わった項目" not in page
    assert "よその項目" not in page
    assert "/application-fields/" not in page


def test_a_viewer_sees_everything_and_changes_nothing(make, signed_in):
    tenant = make.tenant()
    make.portal_link(tenant=tenant, name="案内リンク")
    make.access_origin(tenant=tenant, origin="https://www.example.jp")
    viewer = signed_in(make.member(tenant, "Partner Viewer"), tenant)

    main = viewer.get(URL).text.partition("<main")[2].partition("</main>")[0]

    for told in ("利用する", "20日", "https://www.example.jp", "案内リンク", "2026-11-01"):
        assert told in main
    assert not any(word in main for word in ("<input", "保存"))
    assert viewer.post(URL, data=GOOD).status_code == 403


def test_the_user_menu_leads_here(operator):
    assert re.search(r'<a href="/tenant-settings/">テナント設定</a>', operator.get("/").text)
