"""The tickets of the benchmark tenants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import func, select

from app.demo import words
from app.demo.bench_context import BenchContext, KnownCustomer
from app.demo.bench_rows import Row, copy_rows, insert_rows
from models.accounts.user import User
from models.tickets.ticket import FOR_NEC, Kind, Priority, Service, State, Ticket, TicketMessage
from models.tickets.ticket_file import TicketFile, TicketFileContent
from models.utms.utm import Utm

_ALWAYS = 2
"""How many tickets each tenant has at least."""
_ONE_MORE = 8
"""For how many customers of a tenant there is one more."""

# Most tickets are done; NEC has to act on some.
_STATES = (State.CLOSED, State.OPEN, State.WAITING, State.IN_PROGRESS, State.RESOLVED, State.CLOSED, State.CLOSED)
_PRIORITIES = (Priority.NORMAL, Priority.HIGH, Priority.NORMAL, Priority.LOW)
_NEC = "窓口 担当"
_THANKS = "ありがとうございます。確認できました。"


class _Subject(NamedTuple):
    """The subject of a ticket.

    :ivar with_file: whether a record of the line is attached.
    """

    kind: Kind
    title: str
    question: str
    answer: str
    with_file: bool = False


_SUBJECTS = (
    _Subject(
        Kind.INCIDENT,
        "UTMの通信が途切れます",
        "今朝から、UTMの通信が数分おきに途切れます。\n回線の記録を添付します。",
        "記録を確認しています。ケーブルを交換した場合の様子も教えてください。",
        with_file=True,
    ),
    _Subject(
        Kind.QUESTION,
        "アラートの件数について",
        "先月より件数が増えています。どの画面で内訳を確認できますか。",
        "脅威別の画面で、機能ごとの件数を確認できます。",
    ),
    _Subject(
        Kind.WORK,
        "設置場所の変更",
        "拠点の移転に伴い、UTMの設置場所が変わります。必要な作業を教えてください。",
        "移転日の3営業日前までに、新しい設置場所を登録してください。",
    ),
    _Subject(
        Kind.OTHER,
        "操作説明会の資料",
        "前回の操作説明会の資料は、どこから入手できますか。",
        "サポートのページに掲載しています。",
    ),
)


def make(context: BenchContext, author: User | None) -> None:
    """Create tickets of every tenant in every state, with their messages and some files.

    :param author: who wrote them; None if the tenants have no accounts, as if the author was deleted since.
    """
    chosen = [
        customer
        for customers in context.by_tenant.values()
        for customer in (customers * (1 + _ALWAYS))[: _ALWAYS + len(customers) // _ONE_MORE]
    ]
    found = context.session.execute(
        select(Utm.customer_id, func.min(Utm.id).label("utm_id"))
        .where(Utm.customer_id.in_({customer.id for customer in chosen}))
        .group_by(Utm.customer_id)
    )
    utms: dict[str, int] = {row.customer_id: row.utm_id for row in found}
    tickets = [_ticket(context, number, customer, utms, author) for number, customer in enumerate(chosen)]
    keys = insert_rows(context.session, Ticket, tickets)
    _make_messages(context, [{**ticket, "id": key} for key, ticket in zip(keys, tickets, strict=True)])


def _ticket(
    context: BenchContext, number: int, customer: KnownCustomer, utms: dict[str, int], author: User | None
) -> Row:
    state, subject = _STATES[number % len(_STATES)], _SUBJECTS[number % len(_SUBJECTS)]
    done = state in {State.RESOLVED, State.CLOSED}
    created_at = context.ago(context.pick.randint(24 * 14, 24 * 380) if done else context.pick.randint(8, 24 * 14))
    updated_at = created_at + timedelta(hours=_number_of_messages(state) - 1)
    about_utm = subject.kind != Kind.OTHER
    person = words.contact(context.pick, customer.domain)
    return {
        "tenant_id": customer.tenant_id,
        "title": subject.title,
        "service": Service.PARTNER_PORTAL.value,
        "kind": subject.kind.value,
        "priority": _PRIORITIES[number % len(_PRIORITIES)].value,
        "state": state.value,
        "asked_at": updated_at if state in FOR_NEC else None,
        "author_id": author.id if author else None,
        "author_name": author.get_full_name()
        if author
        else f"{person['contact_last_name']} {person['contact_first_name']}",
        "customer_id": customer.id if about_utm else None,
        "utm_id": utms[customer.id] if about_utm else None,
        "created_at": created_at,
        "updated_at": updated_at,
    }


def _number_of_messages(state: State) -> int:
    """Return the number of messages: an open ticket has no answer, and one that NEC works on again a second question."""
    return {State.OPEN: 1, State.IN_PROGRESS: 3, State.CLOSED: 3}.get(state, 2)


def _make_messages(context: BenchContext, tickets: Sequence[Row]) -> None:
    rows: list[Row] = []
    with_file: list[int] = []
    for number, ticket in enumerate(tickets):
        subject = _SUBJECTS[number % len(_SUBJECTS)]
        bodies = (subject.question, subject.answer, _THANKS if ticket["state"] == State.CLOSED else subject.question)
        if subject.with_file:
            with_file.append(len(rows))
        for place, body in enumerate(bodies[: _number_of_messages(State(ticket["state"]))]):
            by_nec = place == 1
            rows.append(
                {
                    "tenant_id": ticket["tenant_id"],
                    "ticket_id": ticket["id"],
                    "author_id": None if by_nec else ticket["author_id"],
                    "author_name": _NEC if by_nec else ticket["author_name"],
                    "by_nec": by_nec,
                    "body": body,
                    "created_at": ticket["created_at"] + timedelta(hours=place),
                }
            )
    keys = insert_rows(context.session, TicketMessage, rows)
    _make_files(context, [{**rows[place], "id": keys[place]} for place in with_file])


def _make_files(context: BenchContext, messages: Sequence[Row]) -> None:
    """Attach a small text file to each message."""
    contents = [_record_of_line(message) for message in messages]
    rows = [
        {
            "tenant_id": message["tenant_id"],
            "message_id": message["id"],
            "user_id": message["author_id"],
            "name": "回線の記録.log",
            "media_type": "text/plain",
            "size": len(content),
            "created_at": message["created_at"],
        }
        for message, content in zip(messages, contents, strict=True)
    ]
    keys = insert_rows(context.session, TicketFile, rows)
    copy_rows(
        context.session,
        TicketFileContent,
        [
            {"tenant_id": row["tenant_id"], "file_id": key, "data": content}
            for key, row, content in zip(keys, rows, contents, strict=True)
        ],
    )


def _record_of_line(message: Row) -> bytes:
    moments = [message["created_at"] - timedelta(minutes=minutes) for minutes in (45, 44, 12)]
    return "".join(
        f"{moment:%Y-%m-%d %H:%M:%S} link {state}\n"
        for moment, state in zip(moments, ("down", "up", "down"), strict=True)
    ).encode()
