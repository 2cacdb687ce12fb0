"""Invitations of users, the profile of a user, and the access ledger.

Revision: 0042, after 0041
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

PROFILE = (("company", 100), ("department", 100), ("phone", 15), ("note", 255))
# The audit log knows since when roles were held that were given before.
MEMBERS_SINCE = """
UPDATE membership SET held_since = coalesce(
    (SELECT max(at) FROM audit_entry WHERE audit_entry.tenant_id = membership.tenant_id AND action = 'membership.changed'
     AND subject_type = 'Membership' AND subject_id = membership.id::text),
    created_at)
"""
ROLES_SINCE = """
UPDATE ab_user_role SET held_since = (
    SELECT max(at) FROM audit_entry JOIN ab_role ON ab_role.id = ab_user_role.role_id
    WHERE audit_entry.tenant_id IS NULL AND action = 'user.role_granted' AND subject_type = 'User'
    AND subject_id = ab_user_role.user_id::text AND after ->> 'role' = ab_role.name)
"""
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
    _access_ledger()


def _access_ledger() -> None:
    now = sa.text("now()")
    op.add_column("membership", sa.Column("held_since", sa.DateTime(timezone=True), server_default=now, nullable=False))
    op.add_column("ab_user_role", sa.Column("held_since", sa.DateTime(timezone=True), nullable=True))
    op.execute(MEMBERS_SINCE)
    op.execute(ROLES_SINCE)
    op.alter_column("ab_user_role", "held_since", server_default=now)
    op.create_table(
        "access_review",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reviewed_by", sa.String(length=320), nullable=False),
        sa.Column("rights", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    migrating.shared_table("access_review", "SELECT, INSERT")
    migrating.sequence("access_review_id_seq")


def downgrade() -> None:
    op.drop_table("access_review")
    op.drop_column("ab_user_role", "held_since")
    op.drop_column("membership", "held_since")
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
