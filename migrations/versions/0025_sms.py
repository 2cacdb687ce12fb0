"""The outbox of SMS.

Revision: 0025, after 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sms_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=11), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=8), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name="ck_sms_message_state"),
        sa.CheckConstraint("recipient ~ '^0[0-9]{9,10}$'", name="ck_sms_message_recipient"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_sms_message_tenant_id_id", "sms_message", ["tenant_id", "id"])
    op.create_index(
        "ix_sms_message_due",
        "sms_message",
        ["next_attempt_at", "id"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    migrating.scoped_table("sms_message")
    migrating.sequence("sms_message_id_seq")


def downgrade() -> None:
    op.drop_table("sms_message")
