"""The second factor of users: authenticator app, passkeys and recovery codes; what tenants require and allow.

Revision: 0040, after 0039
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ab_user", sa.Column("has_second_factor", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("tenant", sa.Column("second_factor_required", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("tenant", sa.Column("passkey_sign_in", sa.Boolean(), server_default="false", nullable=False))
    op.create_table(
        "totp",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id"),
    )
    migrating.shared_table("totp")
    op.create_table(
        "recovery_code",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "code_hash"),
    )
    migrating.shared_table("recovery_code")
    op.create_table(
        "passkey",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential_id"),
    )
    op.create_index("ix_passkey_user_id", "passkey", ["user_id"])
    migrating.shared_table("passkey")


def downgrade() -> None:
    op.drop_table("passkey")
    op.drop_table("recovery_code")
    op.drop_table("totp")
    op.drop_column("tenant", "passkey_sign_in")
    op.drop_column("tenant", "second_factor_required")
    op.drop_column("ab_user", "has_second_factor")
