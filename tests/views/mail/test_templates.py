"""§5.4.3 (1), (2): the list, and changing a template by way of its preview."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import text

from models.actor import SYSTEM
from models.mail import template_rules as mail_template_rules
from models.mail.kinds import KINDS, MailText

TITLES = [
    "サービス申込み確認",
    "サービス申込み完了",
    "サービス申込み結果",
    "UTM追加申込み完了",
    "UTM追加申込み結果",
    "ポータルユーザ仮登録",
    "パスワードリセット(Eメール)",
    "パスワードリセット(SMS)",
    "UTM着荷予定日のお知らせ",
    "UTM伝票番号のお知らせ",
    "UTM再起動予定登録",
    "UTM再起動予定取消",
]
ADDRESS = "/mail-templates/password_reset_mail/edit"
SMS_ADDRESS = "/mail-templates/password_reset_sms/edit"
GOOD = {"subject": "パスワードのご案内", "body": "{{Name}} 様\n{{Url}}", "version": "0"}
TOO_LONG = "文字以下で入力してください。"
NEEDED = "必須項目です。入力してください。"
ONE_LINE = "改行や制御文字は使用できません。"
NO_PLACEHOLDER = "はこのテンプレートで使用できる差し込み文字ではありません。"
MEANT_NAME = "は差し込み文字ではありません。{{Name}} の誤りではありませんか。"
NOT_CLOSED = "に閉じ括弧 }} がありません。"

AT_THE_LIMIT = [
    ("subject", "件" * 255),
    ("subject", "😀" * 255),
    ("subject", "{{Name}} {{Url}} {{TenantName}}"),
    ("body", "本" * 10_000),
    ("body", "😀" * 10_000),
    ("body", "本" * 4_999 + "\r\n" + "本" * 5_000),
    ("body", "{name of} }} { %s %(name)s ${x} {% x %} \\1"),
    ("body", "<script>alert(1)</script>"),
]
PAST_THE_LIMIT = [
    ("subject", "件" * 256, "255" + TOO_LONG),
    ("subject", "", NEEDED),
    ("subject", "　 ", NEEDED),
    ("subject", "一\n二", ONE_LINE),
    ("subject", "件名\r\nBcc: x@example.com", ONE_LINE),
    ("subject", "{{", "{{ " + NOT_CLOSED),
    ("subject", "{{Name}", "{{Name} " + MEANT_NAME),
    ("subject", "{{Nmae}}", "{{Nmae}} " + MEANT_NAME),
    ("subject", "{{ Name }}", "{{ Name }} " + MEANT_NAME),
    ("subject", "{{{Name}}}", "{{{Name}}} " + MEANT_NAME),
    ("body", "本" * 10_001, "10000" + TOO_LONG),
    ("body", "", NEEDED),
    ("body", "\r\n　 \r\n", NEEDED),
    ("body", "{{", "1行目: {{ " + NOT_CLOSED),
    ("body", "一\r\n二 {{Name}", "2行目: {{Name} " + MEANT_NAME),
    ("body", "一\n\n{{ Name }}", "3行目: {{ Name }} " + MEANT_NAME),
    ("body", "{{name}}", "1行目: {{name}} " + MEANT_NAME),
    ("body", "{{Url}}\n{{Nmae}}", "2行目: {{Nmae}} " + MEANT_NAME),
    ("body", "{{{Name}}}", "1行目: {{{Name}}} " + MEANT_NAME),
    ("body", "{{Na\nme}}", "1行目: {{Na " + NOT_CLOSED),
    ("body", "{{CompanyName}}", "1行目: {{CompanyName}} " + NO_PLACEHOLDER),
    ("body", "{{<b>}}", "1行目: {{<b>}} " + NO_PLACEHOLDER),
    ("body", "一\n{{a}}\n三\n{{b", "4行目: {{b " + NOT_CLOSED),
    ("body", "{{x}}\n" * 7, "同様の誤りが他に2件あります。"),
]


@pytest.fixture
def own(in_tenant):
    """Give a tenant its own text: ``own(tenant, subject, body)``."""

    def _own(tenant, subject="自社の件名", body="自社の本文", *, kind="password_reset_mail", version=0) -> None:
        with in_tenant(tenant.id) as session:
            new = MailText(subject, body)
            mail_template_rules.save(session, tenant.id, KINDS[kind], new, version=version, by=SYSTEM)
            session.commit()

    return _own


@pytest.fixture
def viewer(make, operator, signed_in):
    return signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)


def told_beside(page: str, field: str) -> str:
    """What a page says is wrong with a field."""
    found = re.search(rf'id="{field}-error">(.*?)</div>\s*</div>', page, re.DOTALL)
    return html.unescape(found[1]) if found else ""


def field_of(page: str, name: str) -> str:
    """What a form holds in a field, hidden or shown."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)
    found = found or re.search(rf'<textarea[^>]*name="{name}"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL)
    return html.unescape(found[1])


def rows(page: str) -> list[list[str]]:
    """The cells of the list, as words."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
    words = [
        [
            html.unescape(re.sub(r"<[^>]+>|\s+", " ", cell)).strip()
            for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr>.*?</tr>", body, re.DOTALL)
    ]
    return [cells[:3] for cells in words]


def stored(make) -> list[tuple]:
    make.session.rollback()
    return [tuple(row) for row in make.session.execute(text("SELECT kind, subject, body FROM mail_template"))]


def test_the_user_menu_leads_to_the_twelve_templates(operator):
    home = operator.get("/").text
    page = operator.get("/mail-templates/").text

    assert re.search(r'<a href="/mail-templates/">メールテンプレート設定</a>', home)
    assert [row[0] for row in rows(page)] == TITLES
    assert {row[2] for row in rows(page)} == {"デフォルト"}
    assert rows(page)[0][1] == "【見守りサービス】お申込みのご案内(申請番号:{{ApplicationNumber}})"
    assert rows(page)[7][1] == "SMSのため件名が存在しません"
    assert "デフォルトに戻す" not in page


def test_a_changed_template_is_custom_and_offers_the_way_back(operator, own):
    own(operator.tenant)

    page = operator.get("/mail-templates/").text

    assert rows(page)[6] == ["パスワードリセット(Eメール)", "自社の件名", "カスタム"]
    assert [row[2] for row in rows(page)].count("デフォルト") == 11
    assert page.count('action="/mail-templates/password_reset_mail/reset"') == 1
    assert "「パスワードリセット(Eメール)」をデフォルトの文面に戻します。" in page


def test_the_form_shows_the_default_and_the_placeholders_of_the_kind(operator):
    page = operator.get("/mail-templates/application_confirm/edit").text

    assert field_of(page, "subject") == "【見守りサービス】お申込みのご案内(申請番号:{{ApplicationNumber}})"
    assert field_of(page, "body").startswith("{{CompanyName}}\n{{Name}} 様")
    assert re.findall(r"<code>(.*?)</code>", page) == [
        "{{Name}}",
        "{{CompanyName}}",
        "{{ApplicationNumber}}",
        "{{Url}}",
        "{{TenantName}}",
    ]
    assert "例: 見本工業株式会社" in page


@pytest.mark.parametrize(("field", "value"), AT_THE_LIMIT)
def test_a_field_takes_its_limit(operator, make, field, value):
    preview = operator.post(ADDRESS, data=GOOD | {field: value, "step": "preview"})
    saved = operator.post(ADDRESS, data=GOOD | {field: value, "step": "save"})

    assert preview.status_code == 200, told_beside(preview.text, field)
    assert field_of(preview.text, field) == value.replace("\r\n", "\n")
    assert saved.status_code == 302, told_beside(saved.text, field)
    assert dict(zip(("subject", "body"), stored(make)[0][1:], strict=True))[field] == value.replace("\r\n", "\n")


@pytest.mark.parametrize("step", ["preview", "save"])
@pytest.mark.parametrize(("field", "value", "message"), PAST_THE_LIMIT)
def test_a_field_past_its_limit_is_told_beside_it(operator, make, field, value, message, step):
    answer = operator.post(ADDRESS, data=GOOD | {field: value, "step": step})

    assert answer.status_code == 422
    assert message in told_beside(answer.text, field)
    assert told_beside(answer.text, {"subject": "body", "body": "subject"}[field]) == ""
    assert stored(make) == []


def test_every_fault_of_a_text_is_told_with_its_line(operator):
    answer = operator.post(ADDRESS, data=GOOD | {"body": "{{a}}\n二\n{{b}} {{Name"})

    told = told_beside(answer.text, "body")
    assert [f"{line}行目: {found} " in told for line, found in ((1, "{{a}}"), (3, "{{b}}"), (3, "{{Name"))] == [
        True
    ] * 3


def test_what_is_almost_a_placeholder_is_told_with_its_line_and_what_was_meant(operator, make):
    answer = operator.post(
        ADDRESS, data=GOOD | {"body": "一\n{Name} 様\n｛｛url｝｝", "subject": "{TenantName}のご案内"}
    )

    told = told_beside(answer.text, "body")
    assert "2行目: {Name} は差し込み文字ではありません。{{Name}} の誤りではありませんか。" in told
    assert "3行目: ｛｛url｝｝ は差し込み文字ではありません。{{Url}} の誤りではありませんか。" in told
    assert "{TenantName} は差し込み文字ではありません。{{TenantName}} の誤り" in told_beside(answer.text, "subject")
    assert stored(make) == []


def test_the_preview_has_sample_values_as_plain_text_and_saves_nothing(operator, make):
    body = "{{Name}} 様\n\n  <b>{{Url}}</b> &amp; 😀"

    page = operator.post(ADDRESS, data=GOOD | {"subject": "<i>{{TenantName}}", "body": body}).text

    assert "<h1 class=" in page
    assert "メールテンプレート確認" in page
    assert "&lt;i&gt;見本テナント" in page
    shown = re.search(r'<dd class="mail-body">(.*?)</dd>', page, re.DOTALL)[1]
    assert html.unescape(shown) == "見本 太郎 様\n\n  <b>https://customer.example.jp/links/sample</b> &amp; 😀"
    assert "<b>" not in page
    assert stored(make) == []


def test_saving_leads_to_the_list_and_says_so(operator, make):
    preview = operator.post(ADDRESS, data=GOOD)
    carried = {name: field_of(preview.text, name) for name in GOOD}

    answer = operator.post(ADDRESS, data=carried | {"step": "save"}, follow_redirects=True)

    assert "メールテンプレートを保存しました。" in answer.text
    assert rows(answer.text)[6] == ["パスワードリセット(Eメール)", "パスワードのご案内", "カスタム"]
    assert stored(make) == [("password_reset_mail", "パスワードのご案内", "{{Name}} 様\n{{Url}}")]


@pytest.mark.parametrize(
    "body", ["{{Name}} 様\n\n\t一\n  二 \"'<>&;\n😀", "<textarea></textarea>\n</form>", "本\n" * 4_999 + "文"]
)
def test_going_back_from_the_preview_loses_nothing(operator, make, body):
    preview = operator.post(ADDRESS, data=GOOD | {"subject": "件名 \"'<>&", "body": body})
    carried = {name: field_of(preview.text, name) for name in GOOD}

    back = operator.post(ADDRESS, data=carried | {"step": "back"})

    assert back.status_code == 200
    assert field_of(back.text, "subject") == "件名 \"'<>&"
    assert field_of(back.text, "body") == body
    assert field_of(back.text, "version") == "0"
    assert stored(make) == []


def test_an_sms_has_no_subject(operator, make):
    page = operator.get(SMS_ADDRESS).text
    preview = operator.post(SMS_ADDRESS, data={"body": "こちら {{Url}}", "version": "0", "subject": "捨てられる"})
    saved = operator.post(SMS_ADDRESS, data={"body": "こちら {{Url}}", "version": "0", "step": "save"})

    assert 'name="subject"' not in page
    assert "SMSのため件名が存在しません" in page
    assert "SMSのため件名が存在しません" in preview.text
    assert "捨てられる" not in preview.text
    assert saved.status_code == 302
    assert stored(make) == [("password_reset_sms", None, "こちら {{Url}}")]


@pytest.mark.parametrize("step", ["preview", "save"])
def test_changing_needs_at_least_one_change(operator, make, step):
    page = operator.get(ADDRESS).text
    same = {name: field_of(page, name) for name in GOOD}

    answer = operator.post(ADDRESS, data=same | {"step": step})
    with_other_line_ends = operator.post(
        ADDRESS, data=same | {"body": same["body"].replace("\n", "\r\n") + "\r\n", "step": step}
    )

    assert (answer.status_code, with_other_line_ends.status_code) == (422, 422)
    assert "1つ以上の項目を変更してください。" in answer.text
    assert stored(make) == []


def test_the_second_of_two_people_is_shown_what_the_first_saved(operator, own, make):
    own(operator.tenant, "先に保存した件名", "{{Name}} 様\n{{Url}}")

    second = operator.post(ADDRESS, data=GOOD | {"subject": "後から保存した件名", "step": "save"})
    mended = field_of(second.text, "version")
    third = operator.post(ADDRESS, data=GOOD | {"subject": "後から保存した件名", "step": "save", "version": mended})

    assert second.status_code == 409
    assert "編集中に、他の人がこのテンプレートを変更しました。" in second.text
    assert "先に保存した件名" in second.text
    assert field_of(second.text, "subject") == "後から保存した件名"
    assert mended == "1"
    assert third.status_code == 302
    assert stored(make)[0][1] == "後から保存した件名"


def test_the_second_with_the_same_text_is_told_too(operator, own):
    own(operator.tenant, GOOD["subject"], GOOD["body"])

    answer = operator.post(ADDRESS, data=GOOD | {"step": "save"})

    assert answer.status_code == 409
    assert "他の人が同じ内容を保存しました。" in answer.text


@pytest.mark.parametrize("version", ["", "abc", "-1", "9" * 20, "１"])
def test_a_form_without_a_version_is_not_saved(operator, make, version):
    answer = operator.post(ADDRESS, data=GOOD | {"version": version, "step": "save"})

    assert answer.status_code == 409
    assert stored(make) == []


def test_going_back_to_the_default(operator, own, make):
    own(operator.tenant)

    answer = operator.post("/mail-templates/password_reset_mail/reset", data={"version": "1"}, follow_redirects=True)

    assert "メールテンプレートをデフォルトに戻しました。" in answer.text
    assert rows(answer.text)[6][2] == "デフォルト"
    assert stored(make) == []


def test_going_back_is_refused_when_somebody_saved_meanwhile(operator, own, make):
    own(operator.tenant)
    own(operator.tenant, "新しい件名", version=1)

    answer = operator.post("/mail-templates/password_reset_mail/reset", data={"version": "1"}, follow_redirects=True)

    assert "他の人がこのテンプレートを変更したため、実行しませんでした。" in answer.text
    assert stored(make)[0][1] == "新しい件名"


@pytest.mark.parametrize("kind", ["account_locked", "APPLICATION_CONFIRM", "nothing"])
@pytest.mark.parametrize("rest", ["", "/edit", "/versions/"])
def test_a_kind_no_tenant_may_change_is_not_found(operator, kind, rest):
    assert operator.get(f"/mail-templates/{kind}{rest}").status_code == 404


def test_a_viewer_reads_texts_and_previews_and_changes_nothing(make, operator, viewer, own):
    own(operator.tenant, "{{Name}} 様へ", "本文 {{Url}}")

    listed = viewer.get("/mail-templates/").text
    shown = viewer.get("/mail-templates/password_reset_mail").text

    assert rows(listed)[6][1] == "{{Name}} 様へ"
    assert "{{Name}} 様へ" in shown
    assert "見本 太郎 様へ" in shown
    assert "本文 https://customer.example.jp/links/sample" in shown
    for page in (listed, shown):
        assert "/edit" not in page
        assert "/reset" not in page
        assert "/copy" not in page
    assert [
        viewer.get(ADDRESS).status_code,
        viewer.post(ADDRESS, data=GOOD | {"step": "save"}).status_code,
        viewer.post("/mail-templates/password_reset_mail/reset", data={"version": "1"}).status_code,
    ] == [403, 403, 403]


def test_another_tenant_has_its_own_texts(make, operator, own, signed_in):
    own(operator.tenant, "こちらだけの件名")
    other = make.tenant()
    client = signed_in(make.member(other, "Partner Operator"), other)

    page = client.get("/mail-templates/").text
    saved = client.post(ADDRESS, data=GOOD | {"step": "save"})

    assert "こちらだけの件名" not in page
    assert saved.status_code == 302
    assert rows(operator.get("/mail-templates/").text)[6][1] == "こちらだけの件名"
