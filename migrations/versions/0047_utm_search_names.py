"""Compare the names of UTMs as those of contact persons are compared: without blanks, width, case and variants.

The database computes the key, so that UTMs which the previous release registers have it too.

Revision: 0047, after 0046
"""

from __future__ import annotations

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

VARIANTS = "ー‐‑‒–—―−─━〜ヶヵ𠮷髙﨑嵜碕齋斉齊邊邉澤濱濵嶋嶌廣國櫻龍冨眞惠德槗𣘺栁舘關榮萬與圓會學實寶壽條來黑鹽瀧鐵鐡藏綠桒𡈽圡曾藪籔"
WRITTEN = "----------~ケカ吉高崎崎崎斎斎斎辺辺沢浜浜島島広国桜竜富真恵徳橋橋柳館関栄万与円会学実宝寿条来黒塩滝鉄鉄蔵緑桑土土曽薮薮"
KEY = (
    "lower(regexp_replace(translate(normalize(regexp_replace(name,"
    r" '[\ufe00-\ufe0f\U000e0100-\U000e01ef]', '', 'g'), NFKC),"
    rf" '{VARIANTS}', '{WRITTEN}'), '\s+', '', 'g'))"
)


def upgrade() -> None:
    op.execute(f"ALTER TABLE utm ADD COLUMN search_name text NOT NULL GENERATED ALWAYS AS ({KEY}) STORED")


def downgrade() -> None:
    op.drop_column("utm", "search_name")
