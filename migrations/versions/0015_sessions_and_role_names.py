"""Store sessions in a table, make password links revocable, and make role names unique regardless of case.

All existing sessions end, because they depend on the user's session epoch, which is dropped. The downgrade ends all
sessions too. If names of roles differ only in case, the ID is appended to the names of the newer ones, also after a
downgrade.

Revision: 0015, after 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"], unique=False)
    migrating.shared_table("user_session")
    migrating.sequence("user_session_id_seq")
    op.add_column("password_link", sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_column("ab_user", "session_epoch")
    op.execute(
        """
        UPDATE ab_role SET name = left(name, 52) || ' (' || id || ')'
        WHERE EXISTS (SELECT FROM ab_role older WHERE lower(older.name) = lower(ab_role.name) AND older.id < ab_role.id)
        """
    )
    op.create_index("uq_ab_role_lower_name", "ab_role", [sa.literal_column("lower(name)")], unique=True)


def downgrade() -> None:
    op.drop_index("uq_ab_role_lower_name", table_name="ab_role")
    op.add_column("ab_user", sa.Column("session_epoch", sa.Integer(), server_default="0", nullable=False))
    # An epoch that differs from those in cookies from before the upgrade, whose sessions may have been revoked since.
    op.execute("UPDATE ab_user SET session_epoch = extract(epoch FROM now())")
    # Revoked links stay invalid: without the column, only their expiry can express that.
    op.execute("UPDATE password_link SET expires_at = least(expires_at, revoked_at) WHERE revoked_at IS NOT NULL")
    op.drop_column("password_link", "revoked_at")
    op.drop_table("user_session")
