"""The alert level policy, and the alerts to be mailed.

Revision: 0029, after 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrating

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
PENDING_ALERTS = "utm_id IS NOT NULL AND state = 'pending'"


def upgrade() -> None:
    op.create_table(
        "level_policy",
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("default_level", sa.String(length=8), nullable=False),
        sa.Column("created_by", sa.String(length=320), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("default_level IN ('high', 'low')", name="ck_level_policy_default_level"),
        sa.PrimaryKeyConstraint("version"),
    )
    # A version is never changed or deleted: alerts name the one that decided their level.
    migrating.shared_table("level_policy", "SELECT, INSERT")
    alert_tables()
    op.add_column("mail_message", sa.Column("utm_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_mail_message_pending_utm_id", "mail_message", ["utm_id"], postgresql_where=sa.text(PENDING_ALERTS)
    )
    _let_removals_drop_mails()


def alert_tables() -> None:
    """Change the tables that the alerts have in a database of their own too."""
    op.add_column("alert", sa.Column("policy_version", sa.SmallInteger(), nullable=True))
    op.add_column("alert", sa.Column("lowered_by", sa.SmallInteger(), nullable=True))
    op.create_table(
        "alert_mail_due",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("utm_id", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("alert_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "utm_id", "occurred_at", "alert_id"),
    )
    migrating.scoped_table("alert_mail_due", "SELECT, INSERT, DELETE")


def _let_removals_drop_mails() -> None:
    """Allow deleting the alert mails that were not sent yet, and no other mail."""
    both = f"{migrating.APP}, {migrating.ALL_TENANTS}"
    op.execute(f"GRANT DELETE ON mail_message TO {both}")
    op.execute(f"CREATE POLICY drop_own ON mail_message FOR DELETE TO {migrating.APP} USING ({migrating.OWN_TENANT})")
    op.execute(
        f"CREATE POLICY drop_alerts ON mail_message AS RESTRICTIVE FOR DELETE TO {both} USING ({PENDING_ALERTS})"
    )


def downgrade() -> None:
    for policy in ("drop_alerts", "drop_own"):
        op.execute(f"DROP POLICY {policy} ON mail_message")
    op.execute(f"REVOKE DELETE ON mail_message FROM {migrating.APP}, {migrating.ALL_TENANTS}")
    op.drop_index("ix_mail_message_pending_utm_id", "mail_message")
    op.drop_column("mail_message", "utm_id")
    op.drop_table("alert_mail_due")
    op.drop_column("alert", "lowered_by")
    op.drop_column("alert", "policy_version")
    op.drop_table("level_policy")
