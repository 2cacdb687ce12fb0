"""Process the outbox: a worker claims messages, starts an attempt for each and records the outcome.

A claim is a lease: if a worker dies, another one takes its rows when the lease expires. Each step is a short transaction
on a dedicated connection, since steps are taken for every message. Settings are local to a step: behind a connection
pooler, the next statement on the same connection may be another client's.
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
"""The delay after each failed attempt. When they are used up, the message has failed."""

LEASE = timedelta(minutes=5)
"""How long a row stays claimed by its worker. Longer than sending one message can take (``jobs.mail``)."""

INTERRUPTED = "sending was interrupted repeatedly"

# Mail is sent for all tenants. Waiting for the disk at each step takes longer than sending: a database host that loses its
# power may forget the last moments, and mail that had gone out goes out once more, under the same Message-ID.
# Both until the end of the transaction, as SET LOCAL, in one round trip.
_CROSS_TENANTS = text(
    f"SELECT set_config('role', '{CROSS_TENANT_ROLE}', true), set_config('synchronous_commit', 'off', true)"
)
_row = MailMessage.__table__
_CLAIMED = (
    "id",
    "recipient",
    "subject",
    "body",
    "secret",
    "message_id",
    "attempts",
    "tenant_id",
    "attachment",
    "kind",
    "request_id",
)
_RELEASED = {"lease_owner": null(), "lease_until": null()}


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """The content of a claimed row."""

    id: int
    recipient: str
    subject: str
    body: str
    message_id: uuid.UUID
    attempts: int
    tenant_id: str | None = None
    attachment: str | None = None
    kind: str = ""
    request_id: str | None = None


class MailClaim:
    """One worker's claim on due messages.

    :param connection: a connection without an open transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # A new ID for each claim, so that a claim that was lost is not confused with a later one of the same worker.
        self._owner = uuid.uuid4()

    def claim(self, *, now: datetime, limit: int, attached: bool = False) -> list[OutgoingMail]:
        """Claim due messages, oldest first.

        Rows that another worker is claiming at the same time are skipped, so that no two workers get the same row.

        :param attached: claim those with an attachment, else those without one.
        """
        due = (
            select(_row.c.id)
            .where(
                _row.c.state == MailState.PENDING,
                _row.c.attachment.is_not(None) if attached else _row.c.attachment.is_(None),
                _row.c.next_attempt_at <= now,
                or_(_row.c.lease_until.is_(None), _row.c.lease_until <= now),
            )
            .order_by(_row.c.next_attempt_at, _row.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
            # A subquery can be run again for each row, and then claims more than the limit; a CTE is run once.
            .cte("due")
        )
        rows = self._step(
            update(_row)
            .where(_row.c.id == due.c.id)
            .values(lease_owner=self._owner, lease_until=now + LEASE)
            .returning(*_row.c[_CLAIMED])
        )
        return sorted(map(_outgoing_mail, rows), key=lambda mail: mail.id)

    def begin(
        self, mail: OutgoingMail, *, now: datetime, sent: OutgoingMail | None = None, keep_secret: bool = False
    ) -> bool:
        """Record the start of an attempt and extend the lease for it.

        A message whose every attempt ended with the death of its worker is marked as failed, so that it does not crash
        workers forever.

        :param sent: the previous mail, if the mail server accepted it; recorded in the same statement.
        :param keep_secret: keep the secret part of the previous mail's link.
        :returns: False if the row is no longer claimed by this worker, or has failed.
        """
        values = {"letter": mail.id, "owner": self._owner, "now": now, "lease_until": now + LEASE}
        if sent is None:
            begun = self._step(_BEGIN, values)
        else:
            begun = self._step(_SENT_AND_BEGIN, values | {"sent": sent.id, "keep_secret": keep_secret})
        return [row.state for row in begun] == [MailState.PENDING]

    def record_sent(self, mail: OutgoingMail, *, now: datetime, keep_secret: bool) -> None:
        """Record that the mail server accepted a message.

        :param keep_secret: keep the secret part of its link, for the demonstration.
        """
        self._step(_SENT, {"sent": mail.id, "now": now, "keep_secret": keep_secret})

    def record_failure(self, mail: OutgoingMail, *, now: datetime, error: str, final: bool) -> None:
        """Record a failed attempt, and schedule the next one unless all attempts are used up.

        :param error: the mail server's error message.
        :param final: whether further attempts are pointless.
        """
        attempts = mail.attempts + 1
        over = final or attempts > len(WAITS)
        values: dict[str, Any] = {"state": MailState.FAILED} if over else {"next_attempt_at": now + WAITS[attempts - 1]}
        self._step(
            update(_row)
            .where(_row.c.id == mail.id, _row.c.state == MailState.PENDING, _row.c.lease_owner == self._owner)
            .values(last_error=error, attempts=attempts, **_RELEASED, **values)
        )

    def release(self, mails: Sequence[OutgoingMail]) -> None:
        """Release claimed messages that were not attempted."""
        self._step(
            update(_row)
            .where(_row.c.id.in_([mail.id for mail in mails]), _row.c.lease_owner == self._owner)
            .values(**_RELEASED)
        )

    def _step(self, statement: Executable, values: dict[str, Any] | None = None) -> Sequence[Row[*tuple[Any, ...]]]:
        """Run a statement of all tenants in a transaction of its own, and return its rows."""
        with self._connection.begin():
            self._connection.execute(_CROSS_TENANTS)
            result = self._connection.execute(statement, values or {})
            return result.all() if result.returns_rows else ()


@contextmanager
def mail_connection() -> Iterator[Connection]:
    """Open a connection for processing the outbox."""
    with db.engine.connect() as connection:
        yield connection


def _outgoing_mail(row: Any) -> OutgoingMail:
    body = row.body if row.secret is None else row.body.replace(placeholders.SECRET_MARK, row.secret)
    return OutgoingMail(
        row.id,
        row.recipient,
        row.subject,
        body,
        row.message_id,
        row.attempts,
        row.tenant_id,
        row.attachment,
        row.kind,
        row.request_id,
    )


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
        **_RELEASED,
    )
)
_SENT_AND_BEGIN = _BEGIN.add_cte(_SENT.returning(_row.c.id).cte("noted"))
