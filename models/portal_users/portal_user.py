"""ログインユーザ (§7.4.4): people of a customer who sign in to the customers' portal, with the links mailed to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.customers.customer import Customer
from models.db import Base, CreatedAt
from models.scope import TenantScoped
from models.versioned import Versioned

SIGN_UP_LIFETIME = timedelta(days=7)
"""How long the link of the sign-up mail is valid."""
RESET_LIFETIME = timedelta(hours=1)
"""How long the link of a password reset is valid."""


class SignUpState(StrEnum):
    """The state of a user's sign-up (サインアップ期間内, 期間切れ, 完了)."""

    OPEN = "open"
    EXPIRED = "expired"
    DONE = "done"


class PortalUser(Versioned, TenantScoped, Base):
    """A person of a customer. The password is kept by the customers' portal, not here."""

    __tablename__ = "portal_user"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        CheckConstraint("id ~ '^[A-Z]{2}[0-9]{6}$'", name="ck_portal_user_id"),
        CheckConstraint("mobile ~ '^(0[0-9]{9,10})?$'", name="ck_portal_user_mobile"),
        Index("ix_portal_user_tenant_id_customer_id", "tenant_id", "customer_id"),
        Index(
            "uq_portal_user_email",
            "tenant_id",
            "customer_id",
            text("lower(email)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(8), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(9))
    last_name: Mapped[str] = mapped_column(String(256))
    first_name: Mapped[str] = mapped_column(String(256))
    email: Mapped[str] = mapped_column(String(254))
    # For SMS.
    mobile: Mapped[str] = mapped_column(String(11), server_default="")
    sign_up_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # When the customers' portal reported the first password.
    signed_up_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    first_sign_in_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_sign_in_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[CreatedAt]
    deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    customer: Mapped[Customer] = relationship("Customer", foreign_keys=[customer_id], back_populates="portal_users")

    @property
    def name(self) -> str:
        """The full name (氏名), family name first."""
        return f"{self.last_name} {self.first_name}".strip()

    def sign_up_state(self, *, now: datetime) -> SignUpState:
        """Return the state of the sign-up at a time."""
        if self.signed_up_at is not None:
            return SignUpState.DONE
        return SignUpState.OPEN if now < self.sign_up_until else SignUpState.EXPIRED


class LinkPurpose(StrEnum):
    """What a link mailed to a portal user is for."""

    SIGN_UP = "sign_up"
    RESET = "reset"


class PortalUserLink(TenantScoped, Base):
    """A link mailed to a portal user, to set a password in the customers' portal. Only a hash of its token is stored.

    ``verified_at`` is when the customers' portal asked whom it is for, which it can do once; ``ended_at`` when a newer
    link, a change of the e-mail address or the new password ended it.
    """

    __tablename__ = "portal_user_link"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["portal_user.tenant_id", "portal_user.id"], ondelete="CASCADE"),
        CheckConstraint("purpose IN ('sign_up', 'reset')", name="ck_portal_user_link_purpose"),
        Index("ix_portal_user_link_tenant_id_user_id", "tenant_id", "user_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(8))
    purpose: Mapped[str] = mapped_column(String(8))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    user: Mapped[PortalUser] = relationship("PortalUser", foreign_keys=[user_id])
