"""サービス申込みページアクセス許可URL (§5.4.1): from which sites the application form may be opened.

The form's first page looks at the ``Referer`` that a browser sends. That is no protection, since a caller can send what
it likes: it keeps people on the sites a tenant has chosen.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Identity, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base
from models.scope import TenantScoped
from models.values import web_address
from models.values.web_address import ORIGIN_LENGTH

MOST_ORIGINS = 50
"""How many a tenant may have."""


class AccessOrigin(TenantScoped, Base):
    """One site, by its origin, in the form of ``web_address.origin``."""

    __tablename__ = "access_origin"
    __table_args__ = (
        UniqueConstraint("tenant_id", "origin"),
        CheckConstraint("origin ~ '^https?://[^/?#@[:space:]]+$'", name="ck_access_origin_origin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    origin: Mapped[str] = mapped_column(String(ORIGIN_LENGTH))


def listed(session: Session) -> list[str]:
    """The origins of the session's tenant, in the order in which they were added."""
    return list(session.scalars(select(AccessOrigin.origin).order_by(AccessOrigin.id)))


def allows(session: Session, referrer: str | None) -> bool:
    """Whether the application form of the session's tenant may be opened from a page; without entries it may from all.

    :param referrer: the page's address as the browser sent it, None when it sent none.
    """
    allowed = listed(session)
    return not allowed or web_address.origin_of(referrer or "") in allowed
