"""Keys of API calls (``Idempotency-Key``): a call that is sent twice takes effect once and gets the same response."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, delete
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import scope
from models.db import Base, CreatedAt
from models.scope import TenantScoped

KEY_LENGTH = 255
KEPT_FOR = timedelta(days=1)
"""How long a key is kept."""


class IdempotencyKey(TenantScoped, Base):
    """A call with its response. ``status`` is NULL only inside the transaction of the first call."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("ix_idempotency_key_tenant_id_token_id", "tenant_id", "token_id"),)

    token_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("portal_token.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    # SHA-256 of method, path, acting person and body, in hex.
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None] = mapped_column(SmallInteger)
    body: Mapped[Any | None] = mapped_column(JSONB)
    created_at: Mapped[CreatedAt]


def claim(session: Session, token_id: int, key: str, *, request_hash: str) -> tuple[IdempotencyKey, bool]:
    """Return the row of a key, and whether this call is the first with it.

    A second call waits for the transaction of the first one, and then sees its response. If the first one is rolled
    back, the second takes its place.
    """
    values = {"token_id": token_id, "key": key, "request_hash": request_hash}
    statement = insert(IdempotencyKey).values(tenant_id=scope.own_tenant_id(session), **values)
    first = session.scalar(statement.on_conflict_do_nothing().returning(IdempotencyKey.key)) is not None
    row = session.get_one(IdempotencyKey, (token_id, key), populate_existing=True)
    return row, first


def remove_old(session: Session, *, now: datetime) -> None:
    """Delete old keys.

    :param session: a cross-tenant session.
    """
    session.execute(
        delete(IdempotencyKey)
        .where(IdempotencyKey.created_at <= now - KEPT_FOR)
        .execution_options(synchronize_session=False)
    )
