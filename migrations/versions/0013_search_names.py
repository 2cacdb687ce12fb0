"""Compare names without the shape that is asked of a character, and with ㊑ as one more spelling of 株式会社.

Only names in which this makes a difference are written anew. Going back leaves them: they are found by what they were
found by.

Revision: 0013, after 0012
"""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CIRCLED = str.maketrans({"㊑": "㈱", "㊒": "㈲", "㊔": "㈴", "㊮": "㈾"})
_SHAPES = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_FORMS = {"株": "株式会社", "有": "有限会社", "合": "合同会社", "同": "合同会社", "名": "合名会社", "資": "合資会社"}


def upgrade() -> None:
    connection = op.get_bind()
    concerned = {"special": f"[㊑㊒㊔㊮{_SHAPES}]"}
    rows = connection.execute(sa.text("SELECT id, name FROM customer WHERE name ~ :special"), concerned)
    for customer_id, name in rows.all():
        connection.execute(
            sa.text("UPDATE customer SET search_name = :key WHERE id = :id"), {"key": _key(name), "id": customer_id}
        )


def downgrade() -> None:
    pass


def _key(name: str) -> str:
    text = unicodedata.normalize("NFKC", re.sub(f"[{_SHAPES}]", "", name).translate(_CIRCLED))
    text = re.sub(r"\(\s*([株有合同名資])\s*\)", lambda match: _FORMS[match[1]], text)
    return re.sub(r"\s+", "", text).casefold()
