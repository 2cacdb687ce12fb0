"""Store the keys of submitted forms, so that a repeated submission takes effect once, and version users and roles.

Users get preferences (rows per page, the side menu). The index is for the change history on detail pages.

Revision: 0016, after 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrating

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "form_key",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("messages", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "digest"),
    )
    migrating.shared_table("form_key")
    for table in ("ab_user", "ab_role"):
        op.add_column(table, sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("ab_user", sa.Column("preferences", postgresql.JSONB(), server_default="{}", nullable=False))
    op.create_index("ix_audit_entry_subject", "audit_entry", ["tenant_id", "subject_type", "subject_id"])


def downgrade() -> None:
    op.drop_index("ix_audit_entry_subject", "audit_entry")
    op.drop_column("ab_user", "preferences")
    for table in ("ab_role", "ab_user"):
        op.drop_column(table, "version")
    op.drop_table("form_key")
