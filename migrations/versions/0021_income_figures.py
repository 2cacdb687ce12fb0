"""Keep the income of each tenant for its dashboard.

Revision: 0021, after 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
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


def downgrade() -> None:
    op.drop_table("income_figures")
