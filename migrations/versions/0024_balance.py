"""Give the balance of a customer room for many unpaid invoices of the maximum amount.

Revision: 0024, after 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("customer", "balance", type_=sa.Numeric(precision=16, scale=0))


def downgrade() -> None:
    op.alter_column("customer", "balance", type_=sa.Numeric(precision=12, scale=0))
