"""How a worker goes through the outbox: it claims messages, begins each, and notes what became of it.

A claim is a lease: a worker that dies leaves its rows, and another takes them when the lease is over. Each step is a short
transaction on a connection of the worker's own, because a step is taken for each message. What a step sets ends with it:
behind a pooler the next statement on the same connection may be somebody else's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Executable, Row, bindparam, case, literal, null, or_, select, text, true, update

from models.db import db
from models.mail import placeholders
from models.mail.outbox import MailMessage, MailState
from models.scope import CROSS_TENANT_ROLE

WAITS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
"""How long after each failed attempt the next one comes; after as many waits the message has failed."""

LEASE = timedelta(minutes=5)
"""How long a claimed row is its worker's. Longer than one message can take (``jobs.mail``)."""

INTERRUPTED = "the sending was interrupted again and again"

# Mail is sent for all tenants. Waiting for the disk at each step takes longer than sending: a database host that loses its
# power may forget the last moments, and mail that had gone out goes out once more, under the same Message-ID.
# Both until the end of the transaction, as SET LOCAL, in one round trip.
_CROSS_TENANTS = text(
    f"SELECT set_config('role', '{CROSS_TENANT_ROLE}', true), set_config('synchronous_commit', 'off', true)"
)
_row = MailMessage.__table__
_LET_GO = {"lease_owner": null(), "lease_until": null()}


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """What is sent of a row."""

    id: int
    recipient: str
    subject: str
    body: str
    message_id: uuid.UUID
    attempts: int


class MailClaim:
    """One worker's claim on messages that are due.

    :param connection: one on which no transaction has begun.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # Another one for each claim, so that a claim that was lost and made again is another claim.
        self._owner = uuid.uuid4()

    def claim(self, *, now: datetime, limit: int) -> list[OutgoingMail]:
        """Take messages that are due, oldest first.

        Rows another worker is just taking are passed over, so that two never have the same one.
        """
        due = (
            select(_row.c.id)
            .where(
                _row.c.state == MailState.PENDING,
                _row.c.next_attempt_at <= now,
                or_(_row.c.lease_until.is_(None), _row.c.lease_until <= now),
            )
            .order_by(_row.c.next_attempt_at, _row.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = self._step(
            update(_row)
            .where(_row.c.id.in_(due.scalar_subquery()))
            .values(lease_owner=self._owner, lease_until=now + LEASE)
            .returning(*_row.c["id", "recipient", "subject", "body", "secret", "message_id", "attempts"])
        )
        return sorted(map(_outgoing_mail, rows), key=lambda mail: mail.id)

    def begin(
        self, mail: OutgoingMail, *, now: datetime, sent: OutgoingMail | None = None, keep_secret: bool = False
    ) -> bool:
        """Note that an attempt begins, and lengthen the lease for it.

        A message whose every attempt ended with its worker has failed: it must not end workers for ever.

        :param sent: the mail before it, when the mail server took that one: noted in the same statement.
        :param keep_secret: leave the secret part of that one's link with its row.
        :returns: False when the row is no longer this worker's, or has failed.
        """
        values = {"letter": mail.id, "owner": self._owner, "now": now, "lease_until": now + LEASE}
        if sent is None:
            begun = self._step(_BEGIN, values)
        else:
            begun = self._step(_SENT_AND_BEGIN, values | {"sent": sent.id, "keep_secret": keep_secret})
        return [row.state for row in begun] == [MailState.PENDING]

    def note_sent(self, mail: OutgoingMail, *, now: datetime, keep_secret: bool) -> None:
        """Note that the mail server took a message.

        :param keep_secret: leave the secret part of its link with the row, for the demonstration's readers.
        """
        self._step(_SENT, {"sent": mail.id, "now": now, "keep_secret": keep_secret})

    def note_failure(self, mail: OutgoingMail, *, now: datetime, error: str, final: bool) -> None:
        """Note a failed attempt: another one comes after a wait, until there have been as many as there are waits.

        :param error: the mail server's words.
        :param final: no further attempt can do better.
        """
        attempts = mail.attempts + 1
        over = final or attempts > len(WAITS)
        values: dict[str, Any] = {"state": MailState.FAILED} if over else {"next_attempt_at": now + WAITS[attempts - 1]}
        self._step(
            update(_row)
            .where(_row.c.id == mail.id, _row.c.state == MailState.PENDING, _row.c.lease_owner == self._owner)
            .values(last_error=error, attempts=attempts, **_LET_GO, **values)
        )

    def let_go(self, mails: Sequence[OutgoingMail]) -> None:
        """Give back what was claimed and not tried."""
        self._step(
            update(_row)
            .where(_row.c.id.in_([mail.id for mail in mails]), _row.c.lease_owner == self._owner)
            .values(**_LET_GO)
        )

    def _step(self, statement: Executable, values: dict[str, Any] | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
        """Run a statement of all tenants in a transaction of its own, and return its rows."""
        with self._connection.begin():
            self._connection.execute(_CROSS_TENANTS)
            result = self._connection.execute(statement, values or {})
            return result.all() if result.returns_rows else ()


@contextmanager
def mail_connection() -> Iterator[Connection]:
    """A connection to go through the outbox with."""
    with db.engine.connect() as connection:
        yield connection


def _outgoing_mail(row: Any) -> OutgoingMail:
    body = row.body if row.secret is None else row.body.replace(placeholders.SECRET_MARK, row.secret)
    return OutgoingMail(row.id, row.recipient, row.subject, body, row.message_id, row.attempts)


_spent = _row.c.attempts > len(WAITS)
_BEGIN = (
    update(_row)
    .where(
        _row.c.id == bindparam("letter"), _row.c.state == MailState.PENDING, _row.c.lease_owner == bindparam("owner")
    )
    .values(
        state=case((_spent, MailState.FAILED.value), else_=MailState.PENDING.value),
        last_error=case((_spent, literal(INTERRUPTED)), else_=_row.c.last_error),
        attempts=_row.c.attempts + 1,
        lease_until=bindparam("lease_until"),
    )
    .returning(_row.c.state)
)
_SENT = (
    update(_row)
    .where(_row.c.id == bindparam("sent"))
    .values(
        state=MailState.SENT,
        sent_at=bindparam("now"),
        last_error=null(),
        secret=case((bindparam("keep_secret") == true(), _row.c.secret), else_=null()),
        **_LET_GO,
    )
)
_SENT_AND_BEGIN = _BEGIN.add_cte(_SENT.returning(_row.c.id).cte("noted"))
