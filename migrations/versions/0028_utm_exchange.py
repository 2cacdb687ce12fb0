"""Exchanged UTMs, and the time when the API tokens of an import were downloaded.

Revision: 0028, after 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("utm", sa.Column("replaces_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key("fk_utm_replaces", "utm", "utm", ["tenant_id", "replaces_id"], ["tenant_id", "id"])
    op.create_index("uq_utm_replaces", "utm", ["tenant_id", "replaces_id"], unique=True)
    op.add_column("import_run", sa.Column("tokens_issued_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("import_run", "tokens_issued_at")
    op.drop_index("uq_utm_replaces", "utm")
    op.drop_constraint("fk_utm_replaces", "utm")
    op.drop_column("utm", "replaces_id")
