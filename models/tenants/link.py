"""リンク (§5.4.1): links that a tenant shows to its customers in the customers' portal."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base
from models.scope import TenantScoped

MAX_LINKS = 50
"""The maximum number of links of a tenant."""
NAME_LENGTH = 100
URL_LENGTH = 2000
DESCRIPTION_LENGTH = 500


class PortalLink(TenantScoped, Base):
    """A link in the customers' portal."""

    __tablename__ = "portal_link"
    __table_args__ = (
        Index("ix_portal_link_tenant_id", "tenant_id", "id"),
        CheckConstraint("url ~* '^https?://'", name="ck_portal_link_url"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    url: Mapped[str] = mapped_column(String(URL_LENGTH))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH))
    posted_on: Mapped[date]


def listed(session: Session) -> list[PortalLink]:
    """Return the links of the session's tenant, in the order in which they were added."""
    return list(session.scalars(select(PortalLink).order_by(PortalLink.id)))
