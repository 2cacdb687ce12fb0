"""NEC's staff console: returned mail, the duration of jobs, editable tenants, and counts across tenants.

Revision: 0035, after 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

HIGH = sa.text("level = 'high'")
RETURNED = sa.text("returned_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("tenant", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("scheduled_task", sa.Column("last_run_ms", sa.Integer(), nullable=True))
    op.add_column("mail_message", sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mail_message", sa.Column("return_status", sa.String(length=16), nullable=True))
    op.add_column("mail_message", sa.Column("return_reason", sa.String(length=500), nullable=True))
    op.create_check_constraint(
        "ck_mail_message_returned", "mail_message", "(returned_at IS NULL) = (return_status IS NULL)"
    )
    op.create_index("ix_mail_message_returned", "mail_message", ["recipient", "id"], postgresql_where=RETURNED)
    # Without the count: an index on it would be written with each alert.
    op.create_index("ix_alert_daily_high", "alert_daily", ["day", "tenant_id"], postgresql_where=HIGH)


def downgrade() -> None:
    op.drop_index("ix_alert_daily_high", "alert_daily")
    op.drop_index("ix_mail_message_returned", "mail_message")
    op.drop_constraint("ck_mail_message_returned", "mail_message")
    for column in ("return_reason", "return_status", "returned_at"):
        op.drop_column("mail_message", column)
    op.drop_column("scheduled_task", "last_run_ms")
    op.drop_column("tenant", "version")
