"""Compare names without the shape that is asked of a character, and with ㊑ as one more spelling of 株式会社.

Only names in which this may make a difference are written anew, as those who search have them compared. Going back leaves
them so: these few are then not found by ㊑ or by a shape.

Revision: 0013, after 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from models.values.company_name import search_key

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Circled legal forms, the shapes of characters, and what is not seen and was stored once.
CONCERNED = (
    "[㊑㊒㊔㊮\ufe00-\ufe0f\U000e0100-\U000e01ef"
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0001-\U000e007f]"
)


def upgrade() -> None:
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT id, name FROM customer WHERE name ~ :concerned"), {"concerned": CONCERNED}
    )
    for customer_id, name in rows.all():
        connection.execute(
            sa.text("UPDATE customer SET search_name = :key WHERE id = :id"),
            {"key": search_key(name), "id": customer_id},
        )


def downgrade() -> None:
    pass
