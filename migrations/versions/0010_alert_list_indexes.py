"""Let the alert list find its places in an index alone.

What the list filters, counts and sorts by stands in the index, tenant included, so that only the rows shown are read.
File names, which few alerts have, get an index of those that do.

Revision: 0010, after 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = ["customer_id", sa.literal_column("occurred_at DESC"), sa.literal_column("seq DESC")]
SHOWN = ["tenant_id", "utm_id", "alert_id", "function", "action", "level", "src_ip", "dst_ip"]


def upgrade() -> None:
    op.create_index("ix_alert_list", "alert", KEY, unique=False, postgresql_include=SHOWN)
    op.create_index("ix_alert_file", "alert", KEY, unique=False, postgresql_where=sa.text("file IS NOT NULL"))
    op.drop_index("ix_alert_customer_id_occurred_at_seq", table_name="alert")


def downgrade() -> None:
    op.create_index("ix_alert_customer_id_occurred_at_seq", "alert", KEY, unique=False)
    op.drop_index("ix_alert_file", table_name="alert")
    op.drop_index("ix_alert_list", table_name="alert")
