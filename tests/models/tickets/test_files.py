"""The files of tickets: which are taken, how they are named, and when they are deleted."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.tickets import remove_unused_files
from models import clock
from models.actor import Actor
from models.errors import DomainError
from models.tenants.tenant import Tenant
from models.tickets import rules, ticket_file
from models.tickets.file_types import NOT_ALLOWED, NOT_ITS_TYPE, clean_name, media_type
from models.tickets.mails import Notice
from models.tickets.subject import Subject
from models.tickets.ticket import Ticket
from models.tickets.ticket_file import TicketFile, TicketFileContent
from tests.support.concurrency import MANY, outcomes

NOW = clock.utc_now()
NOTICE = Notice("desk@example.jp", lambda key: f"http://p/{key}", lambda key: f"http://s/{key}")
VALUES = {"title": "題", "kind": "question", "priority": "normal", "body": "本文"}
PNG = b"\x89PNG\r\n\x1a\n"


def zipped(size: int = 1) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"0" * size)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.PNG", PNG + b"0" * 9, "image/png"),
        ("a.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        ("a.jpeg", b"\xff\xd8\xff\xe1\0\x10Exif\0", "image/jpeg"),
        ("a.pdf", b"%PDF-1.7\n", "application/pdf"),
        ("a.xlsx", zipped(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("a.log", "障害の記録\r\n\x1b$B".encode(), "text/plain"),
        ("a.csv", "表,能力".encode("cp932"), "text/csv"),
        ("a.txt", "メモ".encode("utf-16"), "text/plain"),
        # A ZIP bomb, a picture that is a page too, and an archive behind a picture: kept as they are, never opened.
        ("bomb.zip", zipped(20_000_000), "application/zip"),
        ("a.gif", b"GIF89a/*<svg onload=alert(1)>*/", "image/gif"),
        ("b.png", PNG + zipped(), "image/png"),
    ],
)
def test_the_type_is_that_of_the_content(name, data, kind):
    assert media_type(name, data) == kind


@pytest.mark.parametrize(
    ("name", "data", "refusal"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", NOT_ALLOWED),
        ("a.html", b"<html>", NOT_ALLOWED),
        ("a.exe", b"MZ\x90\0", NOT_ALLOWED),
        ("a.png.html", PNG, NOT_ALLOWED),
        ("a", b"text", NOT_ALLOWED),
        ("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", NOT_ITS_TYPE),
        ("a.pdf", b"MZ\x90\0%PDF-1.7", NOT_ITS_TYPE),
        ("a.txt", b"<html><script>alert(1)</script>", NOT_ITS_TYPE),
        ("a.txt", b" \n <svg xmlns='http://www.w3.org/2000/svg'/>", NOT_ITS_TYPE),
        ("a.txt", b"MZ\x90\0\x03", NOT_ITS_TYPE),
        ("a.csv", PNG, NOT_ITS_TYPE),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", NOT_ITS_TYPE),
    ],
)
def test_other_content_is_refused(name, data, refusal):
    with pytest.raises(DomainError) as refused:
        media_type(name, data)
    assert refused.value.message == refusal


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\図 1.png", "図 1.png"),
        ("gnp.\u202etxt.exe", "gnp.txt.exe"),
        ("a\r\nSet-Cookie: b\0.txt", "aSet-Cookie b.txt"),
        ("<img src=x>.png", "img src=x.png"),
        ("..", "file"),
        ("\u200b.txt", "file.txt"),
        ("", "file"),
        ("長" * 300 + ".txt", "長" * 116 + ".txt"),
        ("か\u3099.txt", "が.txt"),
    ],
)
def test_a_name_has_no_path_and_nothing_invisible(typed, name):
    assert clean_name(typed) == name


def send(session, user_id, name="a.txt", data=b"x", **options):
    return ticket_file.keep(session, None, name, data, user_id=user_id, now=options.get("now", NOW))


@pytest.fixture
def tenant(make, ours) -> Tenant:
    return make.session.get_one(Tenant, ours.tenant_id)


@pytest.fixture
def author(make, tenant):
    return make.member(tenant, "Partner Operator")


def actor(user) -> Actor:
    return Actor(user.email, user.id)


def test_a_file_is_bound_to_one_of_many_tickets_at_once(engine, make, tenant, author):
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        key = send(session, author.id).id
        session.commit()

    def act(session, _number):
        rules.create(session, VALUES, subject=Subject(), files=[key], notice=NOTICE, now=NOW, by=actor(author))

    assert outcomes(engine, tenant.id, act) == {"done": 1, ticket_file.GONE: MANY - 1}
    assert make.session.scalar(select(func.count(Ticket.id))) == 1


def test_replies_at_once_do_not_exceed_the_files_of_a_ticket(engine, make, tenant, author, monkeypatch):
    monkeypatch.setattr(ticket_file, "MAX_FILES_OF_TICKET", 3)
    ticket = make.ticket(tenant=tenant)
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        keys = [send(session, author.id).id for _ in range(MANY)]
        session.commit()

    def act(session, number):
        row = session.get(Ticket, ticket.id)
        session.refresh(row, with_for_update=True)
        rules.reply(
            session,
            row,
            {"body": "返信", "state": row.state, "priority": row.priority},
            files=[keys[number]],
            version=row.version,
            notice=NOTICE,
            now=NOW,
            by=actor(author),
        )

    assert outcomes(engine, tenant.id, act) == {"done": 3, ticket_file.TOO_MANY_OF_TICKET: MANY - 3}


def test_files_sent_at_once_and_never_used_are_limited(engine, make, tenant, author, monkeypatch):
    monkeypatch.setattr(ticket_file, "MAX_UNBOUND", 5)

    outcomes(engine, tenant.id, lambda session, _number: send(session, author.id))

    assert make.session.scalar(select(func.count(TicketFile.id))) == 5
    assert make.session.scalar(select(func.count(TicketFileContent.file_id))) == 5


def test_unused_files_are_deleted_after_a_day(app, engine, make, tenant, author):
    ticket = make.ticket(tenant=tenant)
    message = make.ticket_message(ticket_row=ticket)
    used = make.ticket_file(message=message, created_at=NOW - timedelta(days=9))
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        send(session, author.id, now=NOW - timedelta(hours=25))
        fresh = send(session, author.id).id
        session.commit()

    with app.app_context():
        remove_unused_files()

    make.session.expire_all()
    assert make.session.scalars(select(TicketFile.id).order_by(TicketFile.id)).all() == sorted([used.id, fresh])
    assert make.session.scalar(select(func.count(TicketFileContent.file_id))) == 2
