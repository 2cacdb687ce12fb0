"""Invitations of users, and the profile of a user.

Revision: 0038, after 0037
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

PROFILE = (("company", 100), ("department", 100), ("phone", 15), ("note", 255))
OPEN = sa.text("used_at IS NULL AND withdrawn_at IS NULL")


def upgrade() -> None:
    for name, length in PROFILE:
        op.add_column("ab_user", sa.Column(name, sa.String(length=length), server_default="", nullable=False))
    for name in ("last_name", "first_name"):
        op.alter_column("ab_user", name, existing_type=sa.String(length=64), type_=sa.String(length=100))
    op.create_table(
        "user_invitation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=True),
        sa.Column("invited_by", sa.String(length=320), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("password", sa.String(length=256), nullable=True),
        sa.Column("drafts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("used_at IS NULL OR withdrawn_at IS NULL", name="ck_user_invitation_ended_once"),
        sa.CheckConstraint(
            "password IS NULL OR (used_at IS NULL AND withdrawn_at IS NULL)", name="ck_user_invitation_password"
        ),
        sa.ForeignKeyConstraint(["role_id"], ["ab_role.id"], ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_user_invitation_tenant_id", "user_invitation", ["tenant_id"])
    op.create_index("ix_user_invitation_role_id", "user_invitation", ["role_id"])
    op.create_index(
        "uq_user_invitation_open", "user_invitation", ["tenant_id", "email"], unique=True, postgresql_where=OPEN
    )
    migrating.scoped_table("user_invitation")
    migrating.sequence("user_invitation_id_seq")


def downgrade() -> None:
    op.drop_table("user_invitation")
    for name in ("last_name", "first_name"):
        op.alter_column(
            "ab_user",
            name,
            existing_type=sa.String(length=100),
            type_=sa.String(length=64),
            postgresql_using=f"left({name}, 64)",
        )
    for name, _ in PROFILE:
        op.drop_column("ab_user", name)
