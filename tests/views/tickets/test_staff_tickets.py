"""問合せ管理: the queue of NEC's staff, their answers, and who gets which mail (§11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from sqlalchemy import select

from models.actor import SYSTEM
from models.audit import AuditEntry
from models.mail.outbox import MailMessage
from models.support import support_page
from models.support.support_page import SupportContent
from tests.support.pages import Page

QUEUE = "/staff/tickets/"
AT = datetime(2026, 11, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def staff(make, signed_in):
    """Staff who have chosen no tenant."""
    user = make.elevated("NEC Staff", email="staff@example.jp")
    client = signed_in(user)
    client.user = user
    return client


def main_form(answer):
    return next(each for each in Page(answer.text).forms if "body" in each.names)


def answer(client, ticket, files=(), **changes):
    url = f"{QUEUE}{ticket.id}/answer"
    sent = main_form(client.get(url)).sent(**changes)
    return client.post(url, data=sent | ({"files": list(files)} if files else {}), follow_redirects=True)


def test_what_is_most_urgent_and_waits_longest_comes_first(staff, make):
    one, two = make.tenant(name="一社"), make.tenant(name="二社")
    for tenant, title, values in (
        (one, "急がない", {"priority": "low", "at": AT - 3 * DAY}),
        (two, "通常で古い", {"at": AT - DAY}),
        (one, "回答済み", {"state": "waiting", "priority": "high", "at": AT - 9 * DAY}),
        (one, "通常で新しい", {"state": "in_progress", "at": AT}),
        (two, "至急", {"priority": "high", "at": AT + DAY, "assignee_id": staff.user.id}),
    ):
        make.ticket(tenant=tenant, title=title, **values)

    def titles(query=""):
        return Page(staff.get(QUEUE + query).text).column("タイトル")

    assert titles() == ["至急", "通常で古い", "通常で新しい", "急がない", "回答済み"]
    assert titles(f"?tenant_id={two.id.lower()}") == ["至急", "通常で古い"]
    assert titles(f"?assignee_id={staff.user.id}") == ["至急"]
    assert titles("?assignee_id=none&state=waiting") == ["回答済み"]
    assert titles("?priority=high&sort=title") == ["回答済み", "至急"]
    lines = staff.get(f"{QUEUE}?csv=1").text.splitlines()
    assert len(lines) == 6
    assert "二社" in lines[1]


def test_the_history_has_changes_and_only_that_of_staff_has_the_assignee(staff, operator, make):
    ticket = make.ticket(tenant=operator.tenant)

    answer(staff, ticket, state="waiting", assignee_id=str(staff.user.id), body="回答")

    def history(client, url):
        rows = [row for row in Page(client.get(f"{url}{ticket.id}").text).rows if row.get("変更者")]
        return [(row["変更者"], row["項目"], row["変更前"], row["変更後"]) for row in rows]

    state = ("staff@example.jp", "ステータス", "オープン", "パートナー返信待ち")
    assert history(operator, "/tickets/") == [state]
    assert ("staff@example.jp", "担当者", "-", staff.user.get_full_name()) in history(staff, QUEUE)
    assert state in history(staff, QUEUE)


def test_staff_answer_assign_and_close(staff, operator, make):
    support_page.save(make.session, SupportContent(email="desk@example.jp"), version=0, by=SYSTEM)
    ticket = make.ticket(tenant=operator.tenant, author_id=operator.user.id, title="質問")

    def mails(kind):
        return make.session.scalars(select(MailMessage).where(MailMessage.kind == kind)).all()

    page = answer(
        staff,
        ticket,
        [(BytesIO(b"steps"), "手順.txt")],
        body="<i>こちらです",
        state="waiting",
        assignee_id=str(staff.user.id),
    )
    assert "を更新しました。" in Page(page.text).main.text
    make.session.refresh(ticket)
    assert (ticket.state, ticket.asked_at, ticket.assignee_id) == ("waiting", None, staff.user.id)
    (mail,) = mails("ticket_answered")
    assert (mail.recipient, mail.tenant_id) == (operator.user.email, operator.tenant.id)
    assert f"/tickets/{ticket.id}" in mail.body
    assert "/staff/" not in mail.body
    assert "steps" not in mail.body
    shown = Page(operator.get(f"/tickets/{ticket.id}").text)
    assert all(part in shown.main.text for part in ("<i>こちらです", "NEC", "手順.txt", "パートナー返信待ち"))
    (link,) = [each for each in shown.links if "/files/" in each]
    assert operator.get(link).data == b"steps"
    assert staff.get(f"/staff{link}").data == b"steps"

    url = f"/tickets/{ticket.id}/update"
    operator.post(url, data=main_form(operator.get(url)).sent(body="助かりました"))
    assert {each.recipient for each in mails("ticket_replied")} == {"desk@example.jp", "staff@example.jp"}
    answer(staff, ticket, state="closed")
    (mail,) = mails("ticket_closed")
    assert mail.recipient == operator.user.email
    assert "変更してください。" in Page(answer(staff, ticket).text).main.text
    entries = make.session.scalars(
        select(AuditEntry).where(AuditEntry.subject_id == ticket.id, AuditEntry.actor == "staff@example.jp")
    )
    assert [(each.action, each.tenant_id) for each in sorted(entries, key=lambda each: each.id)] == [
        ("ticket.changed", operator.tenant.id),
        ("ticket.message_added", operator.tenant.id),
        ("ticket.changed", operator.tenant.id),
    ]


def test_the_second_of_two_answers_is_shown_the_first(staff, operator, make):
    ticket = make.ticket(tenant=operator.tenant)
    url = f"{QUEUE}{ticket.id}/answer"
    sent = main_form(staff.get(url)).sent(body="二人目", priority="high")
    answer(staff, ticket, body="一人目", state="resolved", assignee_id=str(staff.user.id))

    refused = staff.post(url, data=sent)

    assert refused.status_code == 409
    text = Page(refused.text).main.text
    assert all(part in text for part in ("一人目", "解決済み", "二人目"))
    make.session.refresh(ticket)
    assert (ticket.state, ticket.priority) == ("resolved", "normal")


def test_only_staff_are_assigned_and_nobody_else_answers(staff, operator, make):
    ticket = make.ticket(tenant=operator.tenant)

    refused = answer(staff, ticket, assignee_id=str(operator.user.id))
    assert refused.status_code == 422
    make.session.refresh(ticket)
    assert ticket.assignee_id is None
    for path in (QUEUE, f"{QUEUE}{ticket.id}", f"{QUEUE}{ticket.id}/answer"):
        assert operator.get(path).status_code in {302, 403, 404}


def test_an_author_who_left_the_tenant_is_not_mailed(staff, make):
    tenant, elsewhere = make.tenant(), make.tenant()
    former = make.member(elsewhere, "Partner Operator")
    ticket = make.ticket(tenant=tenant, author_id=former.id)

    answer(staff, ticket, body="回答")

    assert make.session.scalars(select(MailMessage)).all() == []
