"""サービス申込みページアクセス許可URL (§5.4.1): the sites from which the application form may be opened.

The form's first page checks the ``Referer`` header. This is not a security measure, since clients can send any header;
it only keeps ordinary visitors to the sites a tenant has chosen.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Identity, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base
from models.scope import TenantScoped
from models.values import web_address
from models.values.web_address import ORIGIN_LENGTH

MAX_ORIGINS = 50
"""The maximum number of origins of a tenant."""


class AccessOrigin(TenantScoped, Base):
    """A site, by its origin as normalized by ``web_address.origin``."""

    __tablename__ = "access_origin"
    __table_args__ = (
        UniqueConstraint("tenant_id", "origin"),
        CheckConstraint("origin ~ '^https?://[^/?#@[:space:]]+$'", name="ck_access_origin_origin"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    origin: Mapped[str] = mapped_column(String(ORIGIN_LENGTH))


def listed(session: Session) -> list[str]:
    """Return the origins of the session's tenant, in the order in which they were added."""
    return list(session.scalars(select(AccessOrigin.origin).order_by(AccessOrigin.id)))


def allows(session: Session, referrer: str | None) -> bool:
    """Whether the application form of the session's tenant may be opened from a page. Without entries, all pages may.

    :param referrer: the page's URL from the ``Referer`` header, None without one.
    """
    allowed = listed(session)
    return not allowed or web_address.origin_of(referrer or "") in allowed
