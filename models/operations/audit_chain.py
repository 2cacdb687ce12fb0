"""Verification of the audit log: the entries of each tenant form a chain of hashes, as do those outside any tenant.

The database links each entry to the previous one at the end of its transaction (migration 0036). A hash covers the entry
and the hash before it, so that a changed or missing entry breaks the chain. Entries cut off at the end of a chain are
found by comparing it with heads that were signed earlier and are stored outside the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Index, LargeBinary, String, func, literal_column, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.audit import AuditEntry
from models.db import Base

FIRST_HASH = hashlib.sha256(b"").digest()
"""What the first entry of a chain is linked to."""

OUTSIDE_TENANTS = ""
"""The name of the chain of entries outside any tenant."""

_ROWS_AT_ONCE = 1000


class AuditChain(Base):
    """A chain and its head: the last link. It is named after its tenant."""

    __tablename__ = "audit_chain"

    name: Mapped[str] = mapped_column(String(8), primary_key=True)
    last_position: Mapped[int] = mapped_column(BigInteger, server_default="0")
    last_hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditLink(Base):
    """The place of an entry in its chain. It has no foreign key, because it proves the loss of its entry."""

    __tablename__ = "audit_link"
    __table_args__ = (Index("uq_audit_link_chain_position", "chain", "position", unique=True),)

    entry_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chain: Mapped[str] = mapped_column(String(8))
    position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Head(NamedTuple):
    """The end of a chain at some time."""

    chain: str
    position: int
    hash: str


class Finding(NamedTuple):
    """A place where a chain is broken.

    :ivar problem: in English, for the command line.
    """

    chain: str
    problem: str


def signing_key(secret_key: str) -> bytes:
    """Return the key that signs heads, derived from the application's secret key."""
    return hmac.new(secret_key.encode(), b"heads of the audit log", hashlib.sha256).digest()


def heads(session: Session) -> list[Head]:
    """Return the heads of all chains.

    :param session: a cross-tenant session.
    """
    rows = session.scalars(select(AuditChain).where(AuditChain.last_position > 0).order_by(AuditChain.name))
    return [Head(row.name, row.last_position, row.last_hash.hex()) for row in rows]


def signed(found: Iterable[Head], *, at: datetime, key: bytes) -> str:
    """Return heads as a line of text with a signature.

    :param key: the secret that signs; whoever has it can forge heads.
    """
    content: dict[str, object] = {"at": at.isoformat(timespec="seconds"), "heads": [list(head) for head in found]}
    return json.dumps(content | {"signature": _signature(content, key)})


def read_signed(line: str, *, key: bytes) -> list[Head] | None:
    """Return the heads of a line from :func:`signed`; None if the line is damaged or its signature is wrong."""
    try:
        content = json.loads(line)
        signature = content.pop("signature")
        valid = hmac.compare_digest(signature, _signature(content, key))
        return [Head(*head) for head in content["heads"]] if valid else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def verify(session: Session, earlier: Iterable[Head] = ()) -> Iterator[Finding]:
    """Compare all entries with their chains, and the chains with earlier heads.

    :param session: a cross-tenant session.
    :param earlier: heads that were recorded outside the database.
    """
    names = session.scalars(select(AuditChain.name).union(select(AuditLink.chain)).order_by("name")).all()
    for name in names:
        yield from _verify_chain(session, name)
    unlinked = session.execute(
        select(func.coalesce(AuditEntry.tenant_id, OUTSIDE_TENANTS), AuditEntry.id)
        .outerjoin(AuditLink, AuditLink.entry_id == AuditEntry.id)
        .where(AuditLink.entry_id.is_(None))
        .order_by(AuditEntry.id)
    )
    for name, entry_id in unlinked:
        yield Finding(name, f"entry {entry_id} is not in the chain")
    for head in earlier:
        known = session.scalar(
            select(AuditLink.hash).where(AuditLink.chain == head.chain, AuditLink.position == head.position)
        )
        if known is None:
            yield Finding(head.chain, f"the chain once had {head.position} entries; its end is missing")
        elif known.hex() != head.hash:
            yield Finding(head.chain, f"position {head.position} differs from the recorded head")


def without_head(session: Session, earlier: Iterable[Head]) -> list[str]:
    """Return the names of the chains that were compared with none of the earlier heads.

    Entries cut off at their ends cannot be found, because the database alone does not prove how long a chain was.

    :param session: a cross-tenant session.
    """
    known = {head.chain for head in earlier}
    names = session.scalars(select(AuditLink.chain).distinct().order_by(AuditLink.chain))
    return [name for name in names if name not in known]


def _verify_chain(session: Session, name: str) -> Iterator[Finding]:
    rows: Iterable[Any] = session.execute(
        select(
            AuditLink.position,
            AuditLink.entry_id,
            AuditLink.hash,
            AuditEntry.id,
            literal_column("audit_entry_text(audit_entry)"),
            AuditEntry.tenant_id,
        )
        .outerjoin(AuditEntry, AuditEntry.id == AuditLink.entry_id)
        .where(AuditLink.chain == name)
        .order_by(AuditLink.position)
        .execution_options(yield_per=_ROWS_AT_ONCE)
    )
    reached, last = 0, FIRST_HASH
    for position, entry_id, stored, found, content, tenant_id in rows:
        if position != reached + 1:
            yield Finding(name, f"positions {reached + 1} to {position - 1} are missing")
        elif found is None:
            yield Finding(name, f"entry {entry_id} is missing")
        elif hashlib.sha256(last + content.encode()).digest() != stored or (tenant_id or OUTSIDE_TENANTS) != name:
            yield Finding(name, f"entry {entry_id} was changed")
        reached, last = position, stored
    head = session.get(AuditChain, name)
    if head is None or (head.last_position, head.last_hash) != (reached, last):
        yield Finding(name, f"its last entries after position {reached} are missing")


def _signature(content: dict[str, object], key: bytes) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
