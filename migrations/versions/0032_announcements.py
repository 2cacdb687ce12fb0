"""Announcements and the support page.

Revision: 0032, after 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrating

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("body", sa.String(length=5000), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("important", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("tenant_ids", postgresql.ARRAY(sa.String(length=8)), nullable=True),
        sa.Column("published_at", TIME, nullable=True),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name="ck_announcement_period"),
        sa.CheckConstraint("cardinality(tenant_ids) > 0", name="ck_announcement_tenant_ids"),
        sa.PrimaryKeyConstraint("id"),
    )
    migrating.shared_table("announcement")
    migrating.sequence("announcement_id_seq")
    op.create_table(
        "announcement_read",
        sa.Column("announcement_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("read_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["announcement_id"], ["announcement.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("announcement_id", "user_id"),
    )
    op.create_index("ix_announcement_read_user_id", "announcement_read", ["user_id"])
    migrating.shared_table("announcement_read", "SELECT, INSERT")
    op.create_table(
        "support_page",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("links", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("contact_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("hours", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("id = 1", name="ck_support_page_one_row"),
        sa.PrimaryKeyConstraint("id"),
    )
    migrating.shared_table("support_page", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    for table in ("support_page", "announcement_read", "announcement"):
        op.drop_table(table)
