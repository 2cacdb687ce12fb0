"""Find alerts by the whole of a text of which only the beginning is kept for the search.

They are few; an index of them alone leads there. No row is written anew.

Revision: 0014, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = ["customer_id", sa.literal_column("occurred_at DESC"), sa.literal_column("seq DESC")]
TEXTS = ("threat", "url_text")


def upgrade() -> None:
    for name in TEXTS:
        op.create_index(
            f"ix_alert_long_{name}",
            "alert",
            KEY,
            unique=False,
            postgresql_include=["tenant_id"],
            postgresql_where=sa.text(f"char_length({name}) = 512"),
        )


def downgrade() -> None:
    for name in TEXTS:
        op.drop_index(f"ix_alert_long_{name}", table_name="alert")
