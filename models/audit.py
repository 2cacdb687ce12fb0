"""The audit log: who changed what, when, from where. Rows are added and read, never changed.

The app's role has no right to update or delete here (the grants are in the migration).
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, String, insert, inspect, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.actor import Actor
from models.db import Base, CreatedAt

# Not worth a line in every entry: they say nothing about what the person did.
_SILENT = {"version", "search_name", "created_at"}


class AuditEntry(Base):
    """One change. ``tenant_id`` is empty for what happens outside any tenant, such as signing in."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_tenant_id_at", "tenant_id", "at"),
        Index("ix_audit_entry_subject", "tenant_id", "subject_type", "subject_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[CreatedAt]
    tenant_id: Mapped[str | None] = mapped_column(String(8), ForeignKey("tenant.id"))
    actor: Mapped[str] = mapped_column(String(320))
    user_id: Mapped[int | None] = mapped_column(Integer)
    address: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    subject_type: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[str] = mapped_column(String(64))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    @property
    def names(self) -> list[str]:
        """The columns that the change is about."""
        return sorted({*(self.before or {}), *(self.after or {})})


def record(  # noqa: PLR0913  (each is a column of the row)
    session: Session,
    action: str,
    subject: Any,
    *,
    by: Actor,
    tenant_id: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add the row of one change to the caller's transaction.

    Without ``before`` and ``after`` they are read from what the session has not yet written of ``subject``; call it
    before the flush then.

    :param action: what was done, as ``utm.registered``.
    :param subject: the row it was done to, or a ``(type, id)`` pair where there is none.
    :param by: who did it.
    :param tenant_id: the tenant, taken from ``subject`` when not given.
    """
    if isinstance(subject, tuple):
        subject_type, subject_id = subject
    else:
        subject_type, subject_id = type(subject).__name__, _key(subject)
        tenant_id = tenant_id or getattr(subject, "tenant_id", None)
        if before is None and after is None:
            before, after = changes(subject)
    session.execute(
        # Inline: reading back the row's number would need the right to read the row, which nobody has who is outside
        # any tenant.
        insert(AuditEntry.__table__)
        .inline()
        .values(
            tenant_id=tenant_id,
            actor=by.name,
            user_id=by.user_id,
            address=by.address,
            request_id=by.request_id,
            action=action,
            subject_type=subject_type,
            subject_id=str(subject_id),
            before=before,
            after=after,
        )
    )


def changes(row: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the session is about to write of a row: the values before and after, only those that differ."""
    state = inspect(row)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for attribute in state.mapper.column_attrs:
        history = state.attrs[attribute.key].history
        if attribute.key in _SILENT or not history.has_changes():
            continue
        if history.deleted:
            before[attribute.key] = _plain(history.deleted[0])
        if (history.added and not (state.transient or state.pending)) or (
            history.added and history.added[0] is not None
        ):
            after[attribute.key] = _plain(history.added[0])
    return before or None, after or None


def values_of(row: Any) -> dict[str, Any]:
    """All values of a row that is about to be deleted."""
    return {
        attribute.key: _plain(getattr(row, attribute.key))
        for attribute in inspect(row).mapper.column_attrs
        if attribute.key not in _SILENT
    }


def entries_about(session: Session, row: Any, *, most: int = 50) -> list[AuditEntry]:
    """The changes of a row, newest first.

    :param row: of a tenant: what happened outside any tenant is not read here.
    """
    return list(
        session.scalars(
            select(AuditEntry)
            .where(
                AuditEntry.tenant_id == row.tenant_id,
                AuditEntry.subject_type == type(row).__name__,
                AuditEntry.subject_id == _key(row),
            )
            .order_by(AuditEntry.id.desc())
            .limit(most)
        )
    )


def fingerprint(*values: Any) -> str:
    """A short text that differs when any of the values does, for rows that keep no version of their own.

    :param values: texts, numbers, flags and lists of them.
    """
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def _key(row: Any) -> str:
    identity = inspect(row).mapper.primary_key_from_instance(row)
    return "/".join(str(part) for part in identity)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return value
