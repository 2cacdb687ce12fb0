"""The prefecture of UTMs, and indexes for the conditions of the list of all UTMs.

Revision: 0026, after 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

PREFECTURES = (
    "北海道|青森県|岩手県|宮城県|秋田県|山形県|福島県|茨城県|栃木県|群馬県|埼玉県|千葉県|東京都|神奈川県|新潟県|富山県|"
    "石川県|福井県|山梨県|長野県|岐阜県|静岡県|愛知県|三重県|滋賀県|京都府|大阪府|兵庫県|奈良県|和歌山県|鳥取県|島根県|"
    "岡山県|広島県|山口県|徳島県|香川県|愛媛県|高知県|福岡県|佐賀県|長崎県|熊本県|大分県|宮崎県|鹿児島県|沖縄県"
)
KEPT = sa.text("removed_at IS NULL")


def upgrade() -> None:
    # Not LIKE on the address: behind row-level security, only leakproof comparisons such as = can use an index.
    prefecture = sa.Computed(f"substring(address from '^({PREFECTURES})')", persisted=True)
    op.add_column("utm", sa.Column("prefecture", sa.String(length=4), prefecture, nullable=True))
    for column in ("prefecture", "firmware", "last_seen_at"):
        op.create_index(f"ix_utm_tenant_id_{column}", "utm", ["tenant_id", column], postgresql_where=KEPT)


def downgrade() -> None:
    for column in ("prefecture", "firmware", "last_seen_at"):
        op.drop_index(f"ix_utm_tenant_id_{column}", "utm")
    op.drop_column("utm", "prefecture")
