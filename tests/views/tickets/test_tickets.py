"""問合せ (§11): as partners create tickets and reply to them."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from models.alerts.alert import Alert
from models.audit import AuditEntry
from models.mail.outbox import MailMessage
from models.tickets.ticket import Ticket, TicketMessage
from models.tickets.ticket_file import TicketFile, TicketFileContent
from tests.support.alerts import lines
from tests.support.pages import Form, Page

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
TYPED = {
    "title": "契約内容について",
    "service": "partner_portal",
    "kind": "question",
    "priority": "normal",
    "body": "契約内容について\n<b>教えてください。",
}
CREATE = "/tickets/create"


def files(**named):
    return [(BytesIO(data), name.replace("_", ".")) for name, data in named.items()]


def main_form(answer) -> Form:
    """The form with the text, or the one with what was typed."""
    return next(each for each in Page(answer.text).forms if {"body"} <= each.names)


def step_two(client, typed=None, **changes):
    """What the second step sends."""
    answer = client.post(CREATE, data=(typed or TYPED) | changes)
    assert answer.status_code == 200, Page(answer.text).main.text
    return main_form(answer).sent(create="1")


def mails(make, kind):
    return make.session.scalars(select(MailMessage).where(MailMessage.kind == kind).order_by(MailMessage.id)).all()


def test_a_ticket_is_created_in_two_steps_and_its_files_are_uploaded_once(operator, make):
    first = operator.post(CREATE, data=TYPED | {"files": files(a_png=PNG, b_txt=b"log")})
    shown = Page(first.text).main.text
    assert all(
        part in shown
        for part in ("<b>教えてください。", "a.png", "b.txt", "パートナー向けサービスポータル", "戻る", "作成")
    )
    assert make.session.scalar(select(func.count(Ticket.id))) == 0

    again = operator.post(CREATE, data=main_form(first).sent(edit="1"))
    form = main_form(again)
    assert form.sent()["title"] == "契約内容について"
    assert len(form.sent().getlist("kept")) == 2
    second = operator.post(CREATE, data=form.sent(kept=form.sent().getlist("kept")[1:], title="変更後"))
    sent = main_form(second).sent(create="1")
    done = [operator.post(CREATE, data=sent, follow_redirects=True) for _ in range(2)]

    (ticket,) = make.session.scalars(select(Ticket)).all()
    assert ticket.id.startswith("TC")
    assert len(ticket.id) == 9
    for each in done:
        page = Page(each.text)
        assert "チケット「変更後」を作成しました。" in page.main.text
        row = page.rows[0]
        assert list(row) == ["チケットID", "タイトル", "問合せ種別", "ステータス", "作成日時", "最終更新日時"]
        assert [row[name] for name in ("チケットID", "タイトル", "問合せ種別", "ステータス")] == [
            ticket.id,
            "変更後",
            "問合せ",
            "オープン",
        ]
        assert "更新" in page.main.text
    bound = make.session.scalars(select(TicketFile).where(TicketFile.message_id.is_not(None))).all()
    assert [(each.name, each.media_type, each.size) for each in bound] == [("b.txt", "text/plain", 3)]
    (mail,) = mails(make, "ticket_created")
    assert mail.recipient == "support@example.jp"
    assert f"/staff/tickets/{ticket.id}" in mail.body
    assert "log" not in mail.body
    entries = make.session.scalars(select(AuditEntry).where(AuditEntry.subject_id == ticket.id).order_by(AuditEntry.id))
    assert [each.action for each in entries] == ["ticket.created", "ticket.message_added"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"title": ""}, "タイトル"),
        ({"body": "x" * 5_001}, "5000文字以下で入力してください。"),
        ({"kind": "joke"}, "問合せ種別"),
        ({"priority": ""}, "優先度"),
        ({"service": "other"}, "サービス"),
        ({"kept": "123456"}, "もう一度添付してください。"),
    ],
)
def test_what_cannot_be_registered_does_not_reach_the_confirmation(operator, changed, message):
    answer = operator.post(CREATE, data=TYPED | changed)

    assert answer.status_code == 422
    assert message in Page(answer.text).main.text


def test_files_survive_an_error_in_another_field(operator):
    answer = operator.post(CREATE, data=TYPED | {"title": "", "files": files(a_png=PNG, bad_exe=b"MZ\x90\0")})

    assert answer.status_code == 422
    text = Page(answer.text).main.text
    assert "a.png" in text
    assert "bad.exe: この形式のファイルは添付できません。" in text
    assert operator.post(CREATE, data=main_form(answer).sent(title="題")).status_code == 200


def test_files_of_another_user_or_another_ticket_cannot_be_attached(operator, make, signed_in):
    colleague = signed_in(make.member(operator.tenant, "Partner Operator"), operator.tenant)
    sent = step_two(colleague, files=files(a_png=PNG))
    key = sent["kept"]

    assert operator.post(CREATE, data=TYPED | {"kept": key}).status_code == 422
    colleague.post(CREATE, data=sent)
    assert colleague.post(CREATE, data=TYPED | {"kept": key}).status_code == 422


def test_at_most_ten_files_are_taken(operator, make):
    answer = operator.post(CREATE, data=TYPED | {"files": files(**{f"f{n}_txt": b"x" for n in range(11)})})

    assert answer.status_code == 422
    assert "添付できるファイルは10個までです。" in Page(answer.text).main.text
    assert make.session.scalar(select(func.count(TicketFile.id))) == 0


def test_only_the_forms_of_tickets_take_large_files(operator, app, signed_in, make):
    """20 MB are more than any other form may send; 10 GB are refused by the length that the client claims."""
    large = b"x" * (10 * 1024 * 1024)

    taken = operator.post(CREATE, data=TYPED | {"files": files(a_txt=large, b_txt=large)})
    assert taken.status_code == 200
    one_more = operator.post(CREATE, data=TYPED | {"files": files(a_txt=large + b"x")})
    assert one_more.status_code == 422
    assert "a.txtは10MBを超えています。" in Page(one_more.text).main.text
    body = {"data": {"title": large, "body": large}, "content_type": "multipart/form-data"}
    assert operator.post("/tenant-settings/logo/", data={"file": files(a_png=large, b_png=large)}).status_code == 413
    assert operator.post(CREATE, **body).status_code == 413
    claimed = operator.open(
        CREATE,
        method="POST",
        content_type="multipart/form-data; boundary=b",
        environ_overrides={"CONTENT_LENGTH": str(10 * 1024**3)},
        input_stream=BytesIO(b"--b"),
    )
    assert claimed.status_code == 413
    anonymous = app.test_client().post(CREATE, data=TYPED | {"files": files(a_txt=large, b_txt=large)})
    assert anonymous.status_code == 302
    assert "/login" in anonymous.location


def test_a_file_is_downloaded_and_never_rendered(operator, make, signed_in):
    page = b"GIF89a" + b"<script>alert(1)</script>" * 10
    sent = step_two(operator, files=[(BytesIO(page), "../図\u202e1.gif")])
    operator.post(CREATE, data=sent)
    (ticket,) = make.session.scalars(select(Ticket)).all()
    (file,) = make.session.scalars(select(TicketFile)).all()
    url = f"/tickets/{ticket.id}/files/{file.id}"
    assert url in Page(operator.get(f"/tickets/{ticket.id}").text).links

    answer = operator.get(url)

    assert answer.data == page
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=\"_1.gif\"; filename*=UTF-8''%E5%9B%B31.gif"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    stranger = make.tenant()
    assert signed_in(make.member(stranger, "Partner Operator"), stranger).get(url).status_code == 404
    other = make.ticket(tenant=operator.tenant)
    assert operator.get(f"/tickets/{other.id}/files/{file.id}").status_code == 404
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)
    assert viewer.get(url).status_code == 200


def reply(client, ticket, **changes):
    form = main_form(client.get(f"/tickets/{ticket.id}/update"))
    return client.post(f"/tickets/{ticket.id}/update", data=form.sent(**changes) | {}, follow_redirects=True)


def test_a_partner_replies_closes_and_reopens(operator, make):
    assignee = make.elevated("NEC Staff", email="assignee@example.jp")
    ticket = make.ticket(tenant=operator.tenant, state="waiting", assignee_id=assignee.id, author_id=operator.user.id)

    def state():
        make.session.refresh(ticket)
        return ticket.state, ticket.asked_at is not None

    page = Page(reply(operator, ticket, body="<b>お答え").text)
    assert "を更新しました。" in page.main.text
    assert "<b>お答え" in page.main.text
    assert state() == ("open", True)
    assert {each.recipient for each in mails(make, "ticket_replied")} == {"support@example.jp", "assignee@example.jp"}
    reply(operator, ticket, state="closed")
    assert state() == ("closed", False)
    assert len(mails(make, "ticket_closed")) == 2
    assert "ステータスをオープンにしてください。" in reply(operator, ticket, body="もう一度").text
    reply(operator, ticket, body="もう一度", state="open", priority="high")
    assert state() == ("open", True)
    assert ticket.priority == "high"
    assert "変更してください。" in reply(operator, ticket).text
    assert "ステータス" in reply(operator, ticket, state="resolved").text
    assert state() == ("open", True)
    assert len(mails(make, "ticket_replied")) == 4


def test_a_reply_that_crosses_an_answer_is_shown_it_first(operator, make):
    ticket = make.ticket(tenant=operator.tenant)
    url = f"/tickets/{ticket.id}/update"
    sent = main_form(operator.get(url)).sent(body="返信")
    make.ticket_message(ticket_row=ticket, body="先に届いた回答", by_nec=True)
    ticket.state, ticket.asked_at = "resolved", None
    make.save(ticket)

    refused = operator.post(url, data=sent | {"files": files(a_png=PNG)})

    assert refused.status_code == 409
    text = Page(refused.text).main.text
    assert all(part in text for part in ("先に届いた回答", "解決済み", "a.png", "更新しました"))
    assert operator.post(url, data=main_form(refused).sent()).status_code == 302
    messages = make.session.scalars(select(TicketMessage.body).order_by(TicketMessage.id))
    assert messages.all() == ["1 + 1 = ?", "先に届いた回答", "返信"]


def test_viewers_read_and_strangers_do_not(operator, make, signed_in):
    ticket = make.ticket(tenant=operator.tenant, title="見えるか")
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)
    other = make.tenant()
    stranger = signed_in(make.member(other, "Partner Operator"), other)

    page = Page(viewer.get(f"/tickets/{ticket.id}").text)
    assert not [each for each in page.links if "update" in each or "create" in each]
    assert CREATE not in Page(viewer.get("/tickets/").text).links
    assert stranger.get(f"/tickets/{ticket.id}").status_code == 404
    assert stranger.get(f"/tickets/{ticket.id}/update").status_code == 404
    assert stranger.post(f"/tickets/{ticket.id}/update", data={"body": "x"}).status_code == 404
    assert "見えるか" not in stranger.get("/tickets/").text


def test_tickets_are_found_and_downloaded(operator, make):
    make.ticket(tenant=operator.tenant, title="一", body="回線が遅い", kind="incident", priority="high")
    two = make.ticket(tenant=operator.tenant, title="二", state="closed")
    make.ticket_message(ticket_row=two, body="手順書_100%")

    def found(**arguments):
        return Page(operator.get(f"/tickets/?{urlencode(arguments)}").text).column("タイトル")

    assert found(text="100%") == ["二"]
    assert found(text="回線") == found(kind="incident") == found(priority="high") == found(state="open") == ["一"]
    assert found(id=two.id.lower()) == ["二"]
    assert found(created_at_from="2026-11-03") == []
    assert sorted(found(created_at_from="2026-11-02", created_at_to="2026-11-02")) == ["一", "二"]
    lines = operator.get("/tickets/?csv=1&state=closed").text.splitlines()
    assert len(lines) == 2
    assert f"{two.id}" in lines[1]
    assert "クローズ" in lines[1]


def test_a_ticket_keeps_what_it_was_created_from(operator, make, signed_in):
    customer = make.customer(tenant=operator.tenant)
    utm = make.utm(customer_row=customer)
    url = f"/tickets/create?customer={customer.id}"
    assert url in Page(operator.get(f"/customers/{customer.id}").text).links
    url += f"&utm={utm.id}"
    assert url in Page(operator.get(f"/customers/{customer.id}/utms/{utm.id}").text).links
    page = operator.get(url)
    assert utm.name in Page(page.text).main.text

    sent = step_two(operator, main_form(page).sent(TYPED).to_dict())
    operator.post(CREATE, data=sent)
    (ticket,) = make.session.scalars(select(Ticket)).all()
    assert (ticket.customer_id, ticket.utm_id) == (customer.id, utm.id)
    links = Page(operator.get(f"/tickets/{ticket.id}").text).main.all(
        "a", href=f"/customers/{customer.id}/utms/{utm.id}"
    )
    assert len(links) == 1
    utm.removed_at = customer.deleted_at = ticket.created_at
    make.save(utm)
    make.save(customer)
    page = Page(operator.get(f"/tickets/{ticket.id}").text)
    assert utm.name in page.main.text
    assert not [each for each in page.links if utm.customer_id in each]
    other = make.tenant()
    stranger = signed_in(make.member(other, "Partner Operator"), other)
    assert utm.name not in stranger.get(url).text


def test_the_content_of_files_is_stored_apart(operator, make):
    step_two(operator, files=files(a_png=PNG))

    assert make.session.scalars(select(TicketFileContent.data)).all() == [PNG]


def test_a_ticket_about_an_alert_links_to_it_while_it_is_kept(operator, make, engine):
    utm = make.utm(customer_row=make.customer(tenant=operator.tenant))
    now = clock.utc_now()
    sender = alert_ingest.Sender(utm.tenant_id, utm.customer_id, utm.id)
    with Session(engine, info={"tenant_scope": utm.tenant_id}) as session:
        alert_ingest.store(session, sender, lines(1, at=now), now=now, retention_months=13)
        session.commit()
    alert = make.session.scalars(select(Alert)).one()
    details = Page(operator.get(f"/customers/{utm.customer_id}/alerts/?open={alert.seq}").text)
    (url,) = [each for each in details.links if each.startswith(CREATE)]

    form = main_form(operator.get(url))
    operator.post(CREATE, data=step_two(operator, form.sent(TYPED).to_dict()))

    (ticket,) = make.session.scalars(select(Ticket)).all()
    assert (ticket.utm_id, ticket.alert_seq, ticket.alert_id) == (utm.id, alert.seq, alert.alert_id)
    shown = Page(operator.get(f"/tickets/{ticket.id}").text)
    (link,) = [each for each in shown.links if "/alerts/?" in each]
    assert "アラートID" in operator.get(link).text
    # As if the alert had been dropped with its partition.
    ticket.alert_seq += 1
    make.save(ticket)
    shown = Page(operator.get(f"/tickets/{ticket.id}").text)
    assert ticket.alert_id in shown.main.text
    assert not [each for each in shown.links if "/alerts/?" in each]


def test_forms_sent_too_often_are_refused(operator, app):
    limit = int(app.config["TICKET_RATE_LIMIT"].split()[0])
    answers = [operator.post(CREATE, data={}).status_code for _ in range(limit + 1)]

    assert answers == [422] * limit + [429]
