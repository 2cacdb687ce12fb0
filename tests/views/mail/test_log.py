"""メール送信履歴, for NEC's staff."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.mail import placeholders
from models.mail.outbox import MailMessage

NASTY = "<script>alert(1)</script>{{7*7}}{% raw %}😀&\"'" + "長" * 160
AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def staff(make, signed_in):
    """Staff who have chosen no tenant."""
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


def listed(page: str) -> list[str]:
    return re.findall(r'<a href="/staff/mail/(\d+)(?:\?back=[^"]*)?">', page)


def stamp(page: str) -> str:
    return re.search(r'name="seen" value="([^"]+)"', page)[1]


@pytest.mark.parametrize(
    ("role", "status"),
    [("Partner Operator", 403), ("Partner Viewer", 403), ("NEC Staff", 200), ("NEC Admin", 200)],
)
def test_necs_people_alone_read_the_log_and_need_no_tenant(make, signed_in, role, status):
    tenant = make.tenant()
    message = make.mail_message()
    nec = role.startswith("NEC")
    client = signed_in(make.elevated(role) if nec else make.member(tenant, role), None if nec else tenant)

    for path in ("/staff/mail/", f"/staff/mail/{message.id}", "/staff/jobs/"):
        assert client.get(path).status_code == status, path
    menu = client.get("/staff/mail/" if nec else "/").text
    assert ('href="/staff/mail/"' in menu, 'href="/staff/jobs/"' in menu) == (nec, nec)
    assert ('href="/customers/"' in menu) == (not nec)
    again = client.post(f"/staff/mail/{message.id}/again")
    assert again.status_code == (302 if nec else 403)


def test_partners_without_a_chosen_tenant_are_refused(make, signed_in):
    member = make.member(make.tenant(), "Partner Operator")

    assert signed_in(member).get("/staff/mail/").status_code == 403


def test_the_list_says_all_about_each_mail(staff, make):
    tenant = make.tenant(name="いろは")
    make.mail_message(
        kind="contract_made",
        tenant_id=tenant.id,
        recipient="desk@example.com",
        subject="契約のお知らせ",
        state="sent",
        attempts=2,
        created_at=AT,
        sent_at=AT,
    )
    make.mail_message(state="pending", attempts=1, next_attempt_at=AT, last_error="451 4.7.1 後ほど")
    make.mail_message(state="failed", attempts=5, last_error="550 5.1.1 <x@example.com>: User unknown")

    failed, pending, sent = re.findall(r"<tr>.*?</tr>", staff.get("/staff/mail/").text.replace("<wbr>", ""), re.DOTALL)[
        1:
    ]

    for words in ("2026-11-22", "12:00:00", "契約申込通知", "T8000000", "いろは", "desk@example.com", "契約のお知らせ"):
        assert words in sent
    for words in ("送信済み", "試行2回", "送信: 2026-11-22 12:00:00"):
        assert words in sent
    assert "次回" not in sent
    for words in ("送信待ち", "試行1回", "次回: 2026-11-22 12:00:00", "451 4.7.1 後ほど", "アカウントロック"):
        assert words in pending
    for words in ("失敗", "試行5回", "550 5.1.1 &lt;x@example.com&gt;: User unknown"):
        assert words in failed


@pytest.mark.parametrize(
    ("query", "numbers", "chips"),
    [
        ("", ["3", "2", "1"], []),
        ("recipient=HANAKO", ["1"], ["宛先: HANAKO"]),
        ("recipient=ｈａｎａｋｏ", ["1"], ["宛先: hanako"]),
        ("kind=contract_made", ["2"], ["種類: 契約申込通知"]),
        ("state=failed&recipient=example", ["3"], ["宛先: example", "ステータス: 失敗"]),
        ("tenant=t8000000", ["2"], ["テナントID: T8000000"]),
        ("kind=nonsense&state=nonsense", ["3", "2", "1"], []),
        ("tenant=' OR 1=1", [], ["テナントID: &#39; OR 1=1"]),
    ],
)
def test_conditions_narrow_and_show_as_chips(staff, make, query, numbers, chips):
    make.mail_message(recipient="hanako@example.com")
    make.mail_message(kind="contract_made", tenant_id=make.tenant().id, state="sent")
    make.mail_message(state="failed")

    page = staff.get(f"/staff/mail/?{query}").text

    assert listed(page) == numbers
    shown = re.findall(r'<span class="chip tone-blue">\s*<span>(.*?)</span>', page)
    assert shown == chips


@pytest.mark.parametrize(("name", "limit"), [("recipient", 254), ("tenant", 8)])
def test_a_text_past_its_limit_is_told_beside_its_field_and_not_searched_for(staff, make, name, limit):
    make.mail_message()

    at_the_limit, past_it = (
        staff.get("/staff/mail/", query_string={name: "A" * length}).text for length in (limit, limit + 1)
    )

    assert f"filter-{name}-error" not in at_the_limit
    assert f'id="filter-{name}-error">{limit}文字以下で入力してください。' in past_it
    assert "1件" in past_it


@pytest.mark.parametrize("part", ["a", "ab", "@"])
def test_a_part_too_short_for_the_index_is_told_beside_its_field(staff, make, part):
    make.mail_message()

    page = staff.get(f"/staff/mail/?recipient={part}").text

    assert "短すぎるため、検索条件から除きました。" in page
    assert listed(page) == ["1"]


def test_pages_turn_by_keyset_and_nonsense_is_the_first(staff, make):
    for _ in range(53):
        make.mail_message()

    first = staff.get("/staff/mail/").text
    second = staff.get(re.search(r'href="(\?after=\d+)"', first)[1].join(["/staff/mail/", ""])).text
    back = staff.get("/staff/mail/" + re.search(r'href="(\?before=\d+)"', second)[1]).text

    assert listed(first) == [str(number) for number in range(53, 3, -1)]
    assert listed(second) == ["3", "2", "1"]
    assert listed(back) == listed(first)
    for nonsense in ("0", "-1", "x", "9" * 30, "１", "1e3"):
        assert listed(staff.get(f"/staff/mail/?after={nonsense}").text) == listed(first)


def test_what_is_empty_says_so(staff, make):
    assert "メールはまだありません。" in staff.get("/staff/mail/").text
    make.mail_message()
    assert "条件に一致するメールはありません。" in staff.get("/staff/mail/?state=failed").text


def test_one_mail_shows_its_text_and_delivery(staff, make):
    message = make.mail_message(body="一行目\n二行目\n", state="failed", attempts=5, last_error="550 no")

    page = staff.get(f"/staff/mail/{message.id}").text

    assert '<div class="mail-body">一行目\n二行目\n</div>' in page
    assert f"&lt;{message.message_id}@example.jp&gt;" in page
    assert "550 no" in page


def test_nothing_in_a_mail_is_markup_or_a_template(staff, make):
    message = make.mail_message(subject=NASTY, body=NASTY + "\n" + NASTY, state="failed", last_error=NASTY, attempts=1)

    for path in ("/staff/mail/", f"/staff/mail/{message.id}"):
        page = staff.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}{% raw %}😀&amp;" in page


@pytest.mark.parametrize("number", ["0", "7", "99999999999999999999", "-1", "abc"])
def test_an_unknown_mail_is_not_found(staff, number):
    assert staff.get(f"/staff/mail/{number}").status_code == 404
    assert staff.post(f"/staff/mail/{number}/again").status_code == 404


def link_mail(make, **values) -> MailMessage:
    body = (
        f"次を開いてください。\nhttp://localhost:8080/setup/{placeholders.SECRET_MARK}\nhttps://elsewhere.example/x\n"
    )
    return make.mail_message(kind="password_forgotten", body=body, secret="tokentokentoken", **values)


def test_the_secret_part_of_a_link_is_nowhere(staff, make):
    for state in ("pending", "failed", "sent"):
        message = link_mail(make, state=state)
        for path in ("/staff/mail/", f"/staff/mail/{message.id}"):
            page = staff.get(path).text
            assert "tokentokentoken" not in page
            assert placeholders.SECRET_MARK not in page
        assert "http://localhost:8080/setup/…" in page


def test_in_the_demonstration_staff_open_the_link(app, staff, make, monkeypatch):
    monkeypatch.setitem(app.config, "PORTAL_DEMO", True)
    message = link_mail(make, state="sent")

    page = staff.get(f"/staff/mail/{message.id}").text

    assert '<a href="/setup/tokentokentoken">http://localhost:8080/setup/tokentokentoken</a>' in page
    assert 'href="https://elsewhere.example' not in page
    assert "https://elsewhere.example/x" in page


@pytest.mark.parametrize(
    "body",
    [
        f"http://localhost:8080//elsewhere.example/{placeholders.SECRET_MARK}",
        f"http://localhost:8080@elsewhere.example/{placeholders.SECRET_MARK}",
        f"http://localhost:80801/{placeholders.SECRET_MARK}",
        f"javascript:alert(1)//{placeholders.SECRET_MARK}",
        f"http://[/{placeholders.SECRET_MARK}",
    ],
)
def test_in_the_demonstration_no_link_leads_elsewhere(app, staff, make, monkeypatch, body):
    monkeypatch.setitem(app.config, "PORTAL_DEMO", True)
    message = make.mail_message(body=body, secret="tokentokentoken")

    answer = staff.get(f"/staff/mail/{message.id}")

    assert answer.status_code == 200
    assert '<div class="mail-body"><a' not in answer.text


def test_a_failed_mail_is_sent_again_after_a_question(staff, make):
    message = make.mail_message(state="failed", attempts=5, recipient="one@example.com")
    page = staff.get(f"/staff/mail/{message.id}").text
    assert "one@example.com 宛のメールを再送します。よろしいでしょうか。" in page

    answer = staff.post(f"/staff/mail/{message.id}/again", data={"seen": stamp(page)}, follow_redirects=True)

    assert "メールを再送します。" in answer.text
    assert "送信待ち" in answer.text
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor) == ("mail.sent_again", "staff@example.jp")


def test_the_second_of_two_who_look_at_the_same_mail_is_told(staff, make):
    message = make.mail_message(state="sent", attempts=1)
    seen = stamp(staff.get(f"/staff/mail/{message.id}").text)
    staff.post(f"/staff/mail/{message.id}/again", data={"seen": seen})

    answer = staff.post(f"/staff/mail/{message.id}/again", data={"seen": seen}, follow_redirects=True)

    assert "この画面を開いた後に、このメールの状態が変わりました。" in answer.text
    assert 'href="/staff/mail/2">再送1</a>' in answer.text
    assert 'href="/staff/mail/1">最初に送信したメール</a>' in staff.get("/staff/mail/2").text
    assert len(make.session.scalars(select(MailMessage)).all()) == 2


def test_a_used_link_is_refused_with_the_reason(staff, make):
    message = link_mail(make, state="sent", attempts=1)
    page = staff.get(f"/staff/mail/{message.id}").text
    told = "このメールには一度だけ使えるリンクがありました。もとの画面からあらためて送信してください。"
    assert told in page
    assert "/again" not in page

    answer = staff.post(f"/staff/mail/{message.id}/again", data={"seen": "sent-1-0"}, follow_redirects=True)

    assert f"<div>{told}" in answer.text.replace("\n", "").replace("  ", "") or answer.text.count(told) == 2
    assert len(make.session.scalars(select(MailMessage)).all()) == 1


def test_all_failed_ones_that_are_listed_are_sent_again_with_their_number_told(staff, make):
    for _ in range(3):
        make.mail_message(state="failed", kind="contract_made")
    make.mail_message(state="failed")
    assert "/staff/mail/again" not in staff.get("/staff/mail/?kind=contract_made").text
    page = staff.get("/staff/mail/?state=failed&kind=contract_made").text
    assert "失敗したメール3件を再送します。よろしいでしょうか。" in page
    form = re.search(r'<form method="post" action="/staff/mail/again".*?</form>', page, re.DOTALL)[0]
    fields = dict(re.findall(r'<input type="hidden" name="(kind|state)" value="([^"]*)">', form))

    answer = staff.post("/staff/mail/again", data=fields, follow_redirects=True)

    assert "失敗したメール3件を再送します。" in answer.text
    states = make.session.scalars(select(MailMessage.state).order_by(MailMessage.id)).all()
    assert states == ["pending", "pending", "pending", "failed"]
    again = staff.post("/staff/mail/again", data=fields, follow_redirects=True)
    assert "再送する失敗メールはありませんでした。" in again.text


def test_reading_leaves_nothing_in_the_audit_log(staff, make):
    message = make.mail_message()

    staff.get("/staff/mail/")
    staff.get(f"/staff/mail/{message.id}")

    assert make.session.scalars(select(AuditEntry)).all() == []
