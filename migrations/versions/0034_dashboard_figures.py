"""Keep the figures of all widgets of the dashboard in one table, instead of the income alone.

Revision: 0034, after 0033
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app import migrating

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dashboard_figures",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("widget", sa.String(length=32), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("tenant_id", "widget"),
    )
    migrating.scoped_table("dashboard_figures")
    op.drop_table("income_figures")


def downgrade() -> None:
    op.create_table(
        "income_figures",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("this_month", sa.Numeric(precision=16, scale=0), nullable=False),
        sa.Column("last_month", sa.Numeric(precision=16, scale=0), nullable=False),
        sa.Column("month_before", sa.Numeric(precision=16, scale=0), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"]),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    migrating.scoped_table("income_figures")
    op.drop_table("dashboard_figures")
