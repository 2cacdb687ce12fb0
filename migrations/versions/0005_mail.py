"""The outbox of mails.

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("tenant_id", sa.String(length=8), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=8), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_owner", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resent_from", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name="ck_mail_message_state"),
        sa.CheckConstraint("recipient ~ '^[^[:space:][:cntrl:]]+$'", name="ck_mail_message_recipient"),
        sa.CheckConstraint("subject !~ '[[:cntrl:]]'", name="ck_mail_message_subject"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("message_id"),
    )
    op.create_index("ix_mail_message_tenant_id_id", "mail_message", ["tenant_id", "id"], unique=False)
    op.create_index(
        "ix_mail_message_due",
        "mail_message",
        ["next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    migrating.sequence("mail_message_id_seq")
    _rights()


def _rights() -> None:
    """A tenant adds its own and reads its own; what is outside any tenant is added by anybody. Sending crosses tenants."""
    own = migrating.OWN_TENANT
    op.execute(f"GRANT SELECT, INSERT ON mail_message TO {migrating.APP}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON mail_message TO {migrating.ALL_TENANTS}")
    op.execute("ALTER TABLE mail_message ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_tenant ON mail_message FOR SELECT TO {migrating.APP} USING ({own})")
    op.execute(
        f"CREATE POLICY add_own ON mail_message FOR INSERT TO {migrating.APP} WITH CHECK (tenant_id IS NULL OR {own})"
    )
    op.execute(f"CREATE POLICY every_tenant ON mail_message TO {migrating.ALL_TENANTS} USING (true) WITH CHECK (true)")


def downgrade() -> None:
    op.drop_table("mail_message")
