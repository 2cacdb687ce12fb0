"""Files attached to the messages of tickets (添付, §11.2).

A file is stored when its form is sent, before the message exists: it then belongs only to the user who sent it. So it is
uploaded once, and neither the confirmation step nor an error in another field needs it again; without JavaScript, a file
cannot wait in a form. Creating the message binds the file to it. Files that are never bound are deleted by a daily job.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base
from models.errors import N_, DomainError
from models.row_lock import serialize
from models.scope import TenantScoped
from models.tickets import file_types
from models.tickets.file_store import FileStore
from models.tickets.ticket import TicketMessage

MAX_FILES = 10
"""The maximum number of files of a message."""
MAX_BYTES = 10 * 1024 * 1024
"""The maximum size of a file."""
MAX_FILES_OF_TICKET = 100
"""The maximum number of files of a whole thread."""
MAX_UNBOUND = 3 * MAX_FILES
"""The maximum number of files that a user has sent and not used: beyond it, the oldest ones are deleted."""
KEPT_UNBOUND = timedelta(days=1)
"""How long a file is kept that is not used."""

TOO_MANY = N_("Attach up to %(most)s files.")
TOO_LARGE = N_("%(name)s is larger than 10 MB.")
EMPTY = N_("%(name)s is empty.")
TOO_MANY_OF_TICKET = N_("A ticket can have up to %(most)s files in total.")
GONE = N_("A file is no longer available. Attach it again.")


class TicketFile(TenantScoped, Base):
    """A file. Its content is in ``TicketFileContent``, or in an object store.

    :ivar message_id: None until it is bound to a message.
    :ivar user_id: who sent it; None once that user is deleted.
    :ivar object_key: its name in the object store; None for one in the database.
    """

    __tablename__ = "ticket_file"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "message_id"], ["ticket_message.tenant_id", "ticket_message.id"]),
        Index("ix_ticket_file_message_id", "message_id"),
        Index("ix_ticket_file_user_id", "user_id"),
        Index("ix_ticket_file_unbound", "created_at", postgresql_where=text("message_id IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    user_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(file_types.NAME_LENGTH))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Integer)
    object_key: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TicketFileContent(TenantScoped, Base):
    """The bytes of a file in the database, in a table of their own that only the download reads."""

    __tablename__ = "ticket_file_content"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "file_id"], ["ticket_file.tenant_id", "ticket_file.id"], ondelete="CASCADE"),
    )

    tenant_id: Mapped[str] = mapped_column(String(8), ForeignKey("tenant.id"), primary_key=True)
    file_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


def keep(  # noqa: PLR0913  (each is a fact about the file)
    session: Session, store: FileStore | None, typed_name: str, data: bytes, *, user_id: int, now: datetime
) -> TicketFile:
    """Store a file that a user sent, not yet bound to a message.

    :param store: the object store; None for the database.
    :param data: up to one byte more than allowed, so that a larger file is detected without reading all of it.
    :raises DomainError: the file is empty or too large, or its type is not allowed.
    """
    name = file_types.clean_name(typed_name)
    if not data:
        raise DomainError(EMPTY, field="files", name=name)
    if len(data) > MAX_BYTES:
        raise DomainError(TOO_LARGE, field="files", name=name)
    media_type = file_types.media_type(name, data)
    serialize(session, "ticket files", str(user_id))
    mine = (TicketFile.user_id == user_id, TicketFile.message_id.is_(None))
    unused = session.scalars(select(TicketFile).where(*mine).order_by(TicketFile.id.desc()).offset(MAX_UNBOUND - 1))
    _delete(session, store, unused.all())
    row = TicketFile(user_id=user_id, name=name, media_type=media_type, size=len(data), created_at=now)
    if store is not None:
        row.object_key = store.put(data)
    session.add(row)
    session.flush()
    if store is None:
        session.add(TicketFileContent(tenant_id=row.tenant_id, file_id=row.id, data=data))
        session.flush()
    return row


def unbound(session: Session, keys: Collection[int], *, user_id: int) -> list[TicketFile]:
    """Return the files among the given ones that the user sent and that are not bound, in the order they were sent."""
    if not keys:
        return []
    found = select(TicketFile).where(
        TicketFile.id.in_(keys), TicketFile.user_id == user_id, TicketFile.message_id.is_(None)
    )
    return list(session.scalars(found.order_by(TicketFile.id)))


def bind(session: Session, message: TicketMessage, keys: Collection[int]) -> int:
    """Bind files that the author of a new message sent to the message, and return how many there are.

    The ticket must be locked, so that messages at the same time do not exceed the limit together.

    :raises DomainError: there are too many, or one was bound or deleted in the meantime.
    """
    wanted = set(keys)
    if len(wanted) > MAX_FILES:
        raise DomainError(TOO_MANY, field="files", most=MAX_FILES)
    if not wanted:
        return 0
    # The condition is checked again under the row lock: of two messages at the same time, one gets the file.
    bound = session.execute(
        update(TicketFile)
        .where(
            TicketFile.id.in_(wanted),
            TicketFile.tenant_id == message.tenant_id,
            TicketFile.user_id == message.author_id,
            TicketFile.message_id.is_(None),
        )
        .values(message_id=message.id)
        .returning(TicketFile.id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(bound) != len(wanted):
        raise DomainError(GONE, field="files")
    in_ticket = select(func.count(TicketFile.id)).join(
        TicketMessage,
        (TicketMessage.tenant_id == TicketFile.tenant_id) & (TicketMessage.id == TicketFile.message_id),
    )
    if (session.scalar(in_ticket.where(TicketMessage.ticket_id == message.ticket_id)) or 0) > MAX_FILES_OF_TICKET:
        raise DomainError(TOO_MANY_OF_TICKET, field="files", most=MAX_FILES_OF_TICKET)
    return len(wanted)


def content(session: Session, store: FileStore | None, file: TicketFile) -> bytes | None:
    """Return the bytes of a file; None if they are not available, because the object store of the file is not configured."""
    if file.object_key is not None:
        return store.get(file.object_key) if store is not None else None
    return session.scalar(select(TicketFileContent.data).where(TicketFileContent.file_id == file.id))


def remove_unbound(session: Session, store: FileStore | None, *, now: datetime) -> int:
    """Delete the files that were sent longer than ``KEPT_UNBOUND`` ago and are not bound; return how many there were."""
    old = (
        select(TicketFile)
        .where(TicketFile.message_id.is_(None), TicketFile.created_at < now - KEPT_UNBOUND)
        .with_for_update(skip_locked=True)
    )
    found = session.scalars(old).all()
    _delete(session, store, found)
    return len(found)


def _delete(session: Session, store: FileStore | None, files: Sequence[TicketFile]) -> None:
    keys = [each.id for each in files]
    if not keys:
        return
    # The condition is checked again under the row lock, so that a file that was bound meanwhile keeps its object.
    deleted = session.scalars(
        delete(TicketFile)
        .where(TicketFile.id.in_(keys), TicketFile.message_id.is_(None))
        .returning(TicketFile.object_key)
        .execution_options(synchronize_session=False)
    ).all()
    for object_key in deleted:
        if object_key is not None and store is not None:
            store.delete(object_key)
