"""The tenant that NEC staff have entered belongs to the session, not to its cookie.

Revision: 0046, after 0045
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_session", sa.Column("entered_tenant_id", sa.String(length=8), nullable=True))
    op.add_column("user_session", sa.Column("entered_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("user_session", sa.Column("entry_reason", sa.String(length=255), nullable=True))


def downgrade() -> None:
    op.drop_column("user_session", "entry_reason")
    op.drop_column("user_session", "entered_at")
    op.drop_column("user_session", "entered_tenant_id")
