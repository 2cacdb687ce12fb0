"""Roles that can be held in one tenant only.

Revision: 0045, after 0044
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ab_role", sa.Column("tenant_id", sa.String(length=8), nullable=True))
    op.create_foreign_key("ab_role_tenant_id_fkey", "ab_role", "tenant", ["tenant_id"], ["id"])
    op.create_index("ix_ab_role_tenant_id", "ab_role", ["tenant_id"])


def downgrade() -> None:
    # Without the column, the roles could be given in every tenant: their users keep them, with the same rights.
    op.drop_column("ab_role", "tenant_id")
