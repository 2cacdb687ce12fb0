"""Store with a session where it was started.

Revision: 0039, after 0038
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_session", sa.Column("ip_address", sa.String(length=45), nullable=True))
    op.add_column("user_session", sa.Column("user_agent", sa.String(length=300), nullable=True))


def downgrade() -> None:
    op.drop_column("user_session", "user_agent")
    op.drop_column("user_session", "ip_address")
