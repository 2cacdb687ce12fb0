"""The bearer tokens of UTMs. Only a hash is stored: a token is shown once, when it is issued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, Identity, Index, String, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from models import audit
from models.actor import Actor
from models.db import Base, CreatedAt
from models.errors import Gone
from models.row_lock import lock
from models.scope import TenantScoped
from models.tokens import hash_token, new_token
from models.utms.utm import Utm

_PREFIX = "utm_"


class DeviceToken(TenantScoped, Base):
    """A token of a UTM. At most one per UTM is active."""

    __tablename__ = "device_token"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "utm_id"], ["utm.tenant_id", "utm.id"]),
        Index("ix_device_token_tenant_id_utm_id", "tenant_id", "utm_id"),
        Index("uq_device_token_one_in_force", "utm_id", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    utm_id: Mapped[int] = mapped_column(BigInteger)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    utm: Mapped[Utm] = relationship("Utm", foreign_keys=[utm_id], back_populates="tokens")


def issue(session: Session, utm: Utm, *, now: datetime, by: Actor) -> str:
    """Issue a new token to a UTM and revoke the previous one.

    :returns: the token, which is not stored anywhere.
    :raises Gone: the UTM was removed in the meantime.
    """
    # Of two concurrent calls, the second waits here and revokes the first one's token.
    lock(session, utm)
    if utm.removed_at is not None:
        raise Gone
    return issue_all(session, [utm], now=now, by=by)[utm.id]


def issue_all(session: Session, utms: Sequence[Utm], *, now: datetime, by: Actor) -> dict[int, str]:
    """Issue a new token to each of several UTMs, which are locked and not removed; see :func:`issue`.

    :returns: the tokens by the keys of the UTMs.
    """
    session.execute(
        update(DeviceToken)
        .where(DeviceToken.utm_id.in_([utm.id for utm in utms]), DeviceToken.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    tokens = {utm.id: new_token(_PREFIX) for utm in utms}
    session.add_all(
        DeviceToken(tenant_id=utm.tenant_id, utm_id=utm.id, token_hash=hash_token(tokens[utm.id])) for utm in utms
    )
    issued = [audit.Change(utm, None, {"utm_id": utm.utm_id}) for utm in utms]
    audit.record_all(session, "utm.token_issued", issued, by=by)
    return tokens
