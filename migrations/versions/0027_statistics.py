"""Threat statistics of UTMs, and the counts for comparing a company with the average.

Revision: 0027, after 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

FUNCTIONS = "function IN ('antivirus', 'ips', 'web_guard', 'url_filter', 'app_guard')"


def upgrade() -> None:
    op.create_table(
        "threat_stat",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("utm_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("function", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=255), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(FUNCTIONS, name="ck_threat_stat_function"),
        sa.CheckConstraint("count >= 0", name="ck_threat_stat_count"),
        sa.PrimaryKeyConstraint("utm_id", "hour", "function", "category"),
    )
    op.create_index("ix_threat_stat_tenant_id_customer_id_hour", "threat_stat", ["tenant_id", "customer_id", "hour"])
    op.create_table(
        "comparison_month",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("companies", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("date_trunc('month', month) = month", name="ck_comparison_month_first_day"),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "comparison_participant",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("customer_id", sa.String(length=9), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "month"),
    )
    op.create_index("ix_comparison_participant_tenant_id_month", "comparison_participant", ["tenant_id", "month"])
    op.create_table(
        "comparison_count",
        sa.Column("tenant_id", sa.String(length=8), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("hour", sa.SmallInteger(), nullable=False),
        sa.Column("function", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint(FUNCTIONS, name="ck_comparison_count_function"),
        sa.CheckConstraint("hour BETWEEN -1 AND 23", name="ck_comparison_count_hour"),
        sa.PrimaryKeyConstraint("tenant_id", "day", "hour", "function"),
    )
    op.create_index(
        "ix_comparison_count_hour_day", "comparison_count", ["hour", "day"], postgresql_include=["function", "count"]
    )
    migrating.shared_table("comparison_month")
    for table in ("threat_stat", "comparison_participant", "comparison_count"):
        migrating.scoped_table(table)


def downgrade() -> None:
    for table in ("comparison_count", "comparison_participant", "comparison_month", "threat_stat"):
        op.drop_table(table)
