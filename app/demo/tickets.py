"""The demo's tickets: one in each state, of two tenants, with replies and a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select

from app.demo.context import DemoContext
from models import audit
from models.accounts.user import User
from models.actor import Actor
from models.plain_rules import apply_creation
from models.tenants.tenant import Tenant
from models.tickets.ticket import FOR_NEC, Kind, Priority, Service, State, Ticket, TicketMessage
from models.tickets.ticket_file import TicketFile, TicketFileContent
from models.utms.utm import Utm

_LOG = "2026-11-20 09:12:04 link down\n2026-11-20 09:12:31 link up\n2026-11-20 09:40:18 link down\n"


class _Plan(NamedTuple):
    """A ticket.

    :ivar hours: how long ago it was created.
    :ivar messages: the texts in turn, the first by the partner; a text after ``NEC:`` is an answer.
    """

    title: str
    kind: Kind
    priority: Priority
    state: State
    hours: int
    messages: tuple[str, ...]
    about_utm: bool = False
    with_file: bool = False
    second_tenant: bool = False


_TICKETS = (
    _Plan(
        "UTMが何度もオフラインになります",
        Kind.INCIDENT,
        Priority.HIGH,
        State.IN_PROGRESS,
        30,
        (
            "昨日の朝から、UTMが数分おきにオフラインになります。\n回線業者では異常が見つかりませんでした。記録を添付します。",
            "NEC:記録を確認しています。UTMとルータの間のケーブルを交換した場合の様子も教えてください。",
            "ケーブルを交換しましたが、変わりません。",
        ),
        about_utm=True,
        with_file=True,
    ),
    _Plan(
        "契約数量を増やす手順を教えてください",
        Kind.QUESTION,
        Priority.NORMAL,
        State.OPEN,
        5,
        ("来月から拠点が1つ増えるお客様がいます。\nいまの契約に明細を追加すればよいでしょうか。",),
    ),
    _Plan(
        "担当者の交代に伴う作業のお願い",
        Kind.WORK,
        Priority.LOW,
        State.WAITING,
        100,
        (
            "弊社の担当者が交代します。旧担当者のアカウントを止めてください。",
            "NEC:停止する日を教えてください。新しい担当者の方には、招待のメールをお送りします。",
        ),
    ),
    _Plan(
        "アラートのCSVを開くと文字化けします",
        Kind.QUESTION,
        Priority.NORMAL,
        State.RESOLVED,
        200,
        (
            "ダウンロードしたCSVを表計算ソフトで開くと、文字が読めません。",
            "NEC:文字コードにUTF-8を選んで取り込んでください。",
        ),
    ),
    _Plan(
        "説明会の日程について",
        Kind.OTHER,
        Priority.LOW,
        State.CLOSED,
        400,
        ("次回の説明会はいつですか。", "NEC:日程が決まり次第、お知らせに掲載します。"),
    ),
    _Plan(
        "請求予定金額の見方",
        Kind.QUESTION,
        Priority.NORMAL,
        State.OPEN,
        60,
        ("ダッシュボードの請求予定金額には、今日の分も含まれますか。",),
        second_tenant=True,
    ),
)


def make_tickets(context: DemoContext, tenants: Sequence[Tenant]) -> None:
    """Create tickets of the first two tenants, without the mail that would be sent about them."""
    session = context.session
    emails = ("staff@example.jp", "operator@example.jp", "multi@example.jp")
    staff, *authors = (session.scalars(select(User).where(User.email == email)).one() for email in emails)
    for plan in _TICKETS:
        tenant = tenants[1] if plan.second_tenant else tenants[0]
        author = authors[1] if plan.second_tenant else authors[0]
        at = context.now - timedelta(hours=plan.hours)
        last = at + timedelta(hours=len(plan.messages) - 1)
        ticket = Ticket(
            tenant_id=tenant.id,
            title=plan.title,
            service=Service.PARTNER_PORTAL,
            kind=plan.kind,
            priority=plan.priority,
            state=plan.state,
            asked_at=last if plan.state in FOR_NEC else None,
            author_id=author.id,
            author_name=author.get_full_name(),
            assignee_id=staff.id if len(plan.messages) > 1 else None,
            created_at=at,
            updated_at=last,
        )
        if plan.about_utm:
            utm = session.scalars(select(Utm).where(Utm.tenant_id == tenant.id).order_by(Utm.id).limit(1)).one()
            ticket.utm_id, ticket.customer_id = utm.id, utm.customer_id
        apply_creation(session, ticket, action="ticket.created", by=Actor(author.email))
        _write(context, ticket, plan, author, staff, at)


def _write(  # noqa: PLR0913, PLR0917  (each is a part of the thread)
    context: DemoContext, ticket: Ticket, plan: _Plan, author: User, staff: User, at: datetime
) -> None:
    session = context.session
    for place, text in enumerate(plan.messages):
        by_nec = text.startswith("NEC:")
        writer = staff if by_nec else author
        message = TicketMessage(
            tenant_id=ticket.tenant_id,
            ticket_id=ticket.id,
            author_id=writer.id,
            author_name=writer.get_full_name(),
            by_nec=by_nec,
            body=text.removeprefix("NEC:"),
            created_at=at + timedelta(hours=place),
        )
        session.add(message)
        session.flush()
        after = {"body": message.body}
        audit.record(session, "ticket.message_added", ticket, by=Actor(writer.email), after=after)
        if plan.with_file and place == 0:
            data = _LOG.encode()
            file = TicketFile(
                tenant_id=ticket.tenant_id,
                message_id=message.id,
                user_id=writer.id,
                name="回線の記録.log",
                media_type="text/plain",
                size=len(data),
                created_at=message.created_at,
            )
            session.add(file)
            session.flush()
            session.add(TicketFileContent(tenant_id=ticket.tenant_id, file_id=file.id, data=data))
    session.flush()
