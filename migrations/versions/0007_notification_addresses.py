"""Where a tenant's notifications go, and the links that confirm it.

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notification_address",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=254), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("slot BETWEEN 1 AND 3", name="ck_notification_address_slot"),
        sa.CheckConstraint("(address IS NULL) = (confirmed_at IS NULL)", name="ck_notification_address_confirmed"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "slot"),
    )
    migrating.scoped_table("notification_address")
    _links()
    # The newest mail to an address.
    op.create_index(
        "ix_mail_message_tenant_id_recipient_id", "mail_message", ["tenant_id", "recipient", "id"], unique=False
    )


def _links() -> None:
    op.create_table(
        "address_link",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.ForeignKeyConstraint(
            ["tenant_id", "slot"],
            ["notification_address.tenant_id", "notification_address.slot"],
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index(
        "ix_address_link_tenant_id_requested_at", "address_link", ["tenant_id", "requested_at"], unique=False
    )
    op.create_index(
        "uq_address_link_waiting",
        "address_link",
        ["tenant_id", "slot"],
        unique=True,
        postgresql_where=sa.text("used_at IS NULL AND superseded_at IS NULL"),
    )
    migrating.scoped_table("address_link")
    migrating.sequence("address_link_id_seq")


def downgrade() -> None:
    op.drop_index("ix_mail_message_tenant_id_recipient_id", table_name="mail_message")
    op.drop_table("address_link")
    op.drop_table("notification_address")
