"""The audit log: who changed what, when and from where. Rows are only inserted and read.

The app's database role may not update or delete them (see the grants in the migration).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    bindparam,
    insert,
    inspect,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.actor import Actor
from models.db import Base, CreatedAt

ROLE_LENGTH = 200

_RECORDED = "audit_recorded"

# Columns omitted from the entries, because they say nothing about what the user did.
_UNINFORMATIVE_COLUMNS = {"version", "search_name", "sort_name", "created_at"}
SECRETS = frozenset(
    {
        *("password", "secret", "client_secret", "public_key"),
        *("token_hash", "code_hash", "key_hash", "lookup_hash", "registration_hash"),
    }
)
"""Columns with a secret or what one is checked with. They are never in an entry, whichever row they are part of."""
_IGNORED = _UNINFORMATIVE_COLUMNS | SECRETS

MEMOS = frozenset({"memo1", "memo2", "memo3", "note"})
"""Columns in which people write what they like, about other people too. More people read the log than the memos, so entries
tell only that a memo was changed, whichever row it is part of."""
HIDDEN = "***"
"""What stands for the text of a memo."""


class AuditEntry(Base):
    """One change. ``tenant_id`` is NULL for changes outside any tenant, such as signing in."""

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
    role: Mapped[str | None] = mapped_column(String(ROLE_LENGTH))
    address: Mapped[str | None] = mapped_column(String(45))
    request_id: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    subject_type: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[str] = mapped_column(String(64))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    @property
    def names(self) -> list[str]:
        """The changed columns."""
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
    """Add the audit entry of a change to the caller's transaction.

    Without ``before`` and ``after``, they are taken from the unflushed changes of ``subject``; in that case call this
    before the flush.

    :param action: what was done, such as ``utm.registered``.
    :param subject: the changed row, or a ``(type, ID)`` pair where there is no row.
    :param by: who made the change.
    :param tenant_id: the tenant; taken from ``subject`` by default.
    """
    recorded = Change(subject, before, after)
    if before is None and after is None and not isinstance(subject, tuple):
        recorded = change_of(subject)
    session.execute(_INSERT, _values(action, recorded, by, tenant_id))
    counts = session.info.setdefault(_RECORDED, {})
    counts[action] = counts.get(action, 0) + 1


def take_recorded(session: Session) -> dict[str, int]:
    """Return how often each action was recorded with :func:`record` since the last call, for ``/metrics``."""
    taken: dict[str, int] = session.info.pop(_RECORDED, {})
    return taken


class Change(NamedTuple):
    """What changed of a subject of the audit log; see :func:`record`."""

    subject: Any
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def record_all(session: Session, action: str, changed: Iterable[Change], *, by: Actor) -> None:
    """Add the audit entries of the same change of several rows, like :func:`record`, with one statement."""
    entries = [_values(action, each, by, None) for each in changed]
    if entries:
        session.execute(_INSERT_ALL, {"entries": entries})


def change(row: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """Return the change of a row with the given old and new values."""
    old, new = ({name: _plain(value) for name, value in values.items()} for values in (before, after))
    return Change(row, old, new)


def change_of(row: Any) -> Change:
    """Return the unflushed changes of a row, for :func:`record_all` after the flush."""
    return Change(row, *changes(row))


# Inline, because returning the new ID needs permission to read the row, which no session outside a tenant has.
_INSERT = insert(AuditEntry.__table__).inline()
# Much faster than a statement for each entry, or one with a parameter for each value.
_INSERT_ALL = text("""
INSERT INTO audit_entry
    (tenant_id, actor, user_id, role, address, request_id, action, subject_type, subject_id, before, after)
SELECT tenant_id, actor, user_id, role, address, request_id, action, subject_type, subject_id, before, after
FROM jsonb_to_recordset(:entries) AS entry
    (tenant_id text, actor text, user_id integer, role text, address text, request_id text, action text, subject_type text,
     subject_id text, before jsonb, after jsonb)
""").bindparams(bindparam("entries", type_=JSONB))


def _values(action: str, recorded: Change, by: Actor, tenant_id: str | None) -> dict[str, Any]:
    """Return the columns of an entry."""
    subject = recorded.subject
    if isinstance(subject, tuple):
        subject_type, subject_id = subject
    else:
        subject_type, subject_id = type(subject).__name__, _key(subject)
        tenant_id = tenant_id or getattr(subject, "tenant_id", None)
    return {
        "tenant_id": tenant_id,
        "actor": by.name,
        "user_id": by.user_id,
        "role": by.role,
        "address": by.address,
        "request_id": by.request_id,
        "action": action,
        "subject_type": subject_type,
        "subject_id": str(subject_id),
        "before": _without_memos(recorded.before),
        "after": _without_memos(recorded.after),
    }


def _without_memos(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return values with the texts of memos hidden; an empty memo stays empty."""
    return values and {name: HIDDEN if name in MEMOS and value else value for name, value in values.items()}


@cache
def recorded_columns(model: Any) -> tuple[str, ...]:
    """Return the columns of a table that entries have: not those that say nothing, secrets and what the database computes."""
    mapper: Any = inspect(model)
    return tuple(
        each.key
        for each in mapper.column_attrs
        if each.key not in _IGNORED and getattr(each.columns[0], "computed", None) is None
    )


def changes(row: Any) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the unflushed changes of a row: the old and the new values of the columns that differ."""
    state = inspect(row)
    names = recorded_columns(state.mapper.class_)
    if state.transient or state.pending:
        set_values = {name: state.dict.get(name) for name in names}
        return None, {name: _plain(value) for name, value in set_values.items() if value is not None} or None
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    unmodified = state.unmodified
    for name in names:
        if name in unmodified:
            continue
        history = state.attrs[name].history
        if not history.has_changes():
            continue
        if history.deleted:
            before[name] = _plain(history.deleted[0])
        if history.added:
            after[name] = _plain(history.added[0])
    return before or None, after or None


def values_of(row: Any) -> dict[str, Any]:
    """Return all values of a row that is about to be deleted."""
    return {name: _plain(getattr(row, name)) for name in recorded_columns(inspect(row).mapper.class_)}


def entries_about(
    session: Session, row: Any, *, most: int = 50, outside_tenants: bool = False, without: Sequence[str] = ()
) -> list[AuditEntry]:
    """Return the audit entries of a row, newest first.

    :param row: a row that belongs to a tenant, or a tenant.
    :param outside_tenants: whether to read the entries outside any tenant too; the row need not belong to a tenant then.
    :param without: what the names of actions begin with that are left out.
    """
    kind = type(row).__name__
    owner = row.id if kind == "Tenant" else getattr(row, "tenant_id", None)
    chains = [AuditEntry.tenant_id == owner, *([AuditEntry.tenant_id.is_(None)] if outside_tenants else [])]
    conditions = (or_(*chains), *(~AuditEntry.action.startswith(each, autoescape=True) for each in without))
    return _newest(session, kind, [_key(row)], *conditions, most=most)


def entries_about_parts(
    session: Session, subject_type: str, subject_ids: Sequence[str], *, tenant_id: str, most: int = 50
) -> list[AuditEntry]:
    """Return the audit entries of a tenant's rows that one page shows together, newest first. They need not exist yet."""
    return _newest(session, subject_type, subject_ids, AuditEntry.tenant_id == tenant_id, most=most)


def _newest(
    session: Session, subject_type: str, subject_ids: Sequence[str], *conditions: ColumnElement[bool], most: int
) -> list[AuditEntry]:
    found = select(AuditEntry).where(
        *conditions, AuditEntry.subject_type == subject_type, AuditEntry.subject_id.in_(subject_ids)
    )
    return list(session.scalars(found.order_by(AuditEntry.id.desc()).limit(most)))


def has_entry(session: Session, subject: tuple[str, Any], *, tenant_id: str | None, of: str = "") -> bool:
    """Return whether there is an audit entry about a subject, which may no longer exist.

    :param subject: the subject's type and ID.
    :param tenant_id: the subject's tenant; None for a subject outside any tenant.
    :param of: the suffix of the action, such as ``.deleted``.
    """
    found = select(AuditEntry.id).where(
        AuditEntry.tenant_id == tenant_id,
        AuditEntry.subject_type == subject[0],
        AuditEntry.subject_id == str(subject[1]),
        AuditEntry.action.endswith(of),
    )
    return bool(session.scalar(select(found.exists())))


def fingerprint(*values: Any) -> str:
    """Return a hash of values, to detect concurrent changes of rows without a version column.

    :param values: strings, numbers, booleans and lists of them.
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
