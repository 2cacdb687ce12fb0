"""Monthly reports, and their PDF as an attachment of mail.

Revision: 0031, after 0030
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app import migrating

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "monthly_report",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("date_trunc('month', month) = month", name="ck_monthly_report_first_day"),
        sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customer.tenant_id", "customer.id"]),
        sa.PrimaryKeyConstraint("customer_id", "month"),
    )
    op.create_index("ix_monthly_report_tenant_id_month", "monthly_report", ["tenant_id", "month"])
    # No UPDATE and no DELETE: a report is frozen once it is issued, and kept for ever.
    migrating.scoped_table("monthly_report", "SELECT, INSERT")
    op.add_column(
        "tenant_settings", sa.Column("report_pdf", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("mail_message", sa.Column("attachment", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("mail_message", "attachment")
    op.drop_column("tenant_settings", "report_pdf")
    op.drop_table("monthly_report")
