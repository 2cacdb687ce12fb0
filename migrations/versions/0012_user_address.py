"""Give a user's name, which is their e-mail address, room for any address: 254 characters, as everywhere.

No row is written anew. Going back cuts longer names off; nobody signs in with them, but with the address.

Revision: 0012, after 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("ab_user", "username", existing_type=sa.String(length=128), type_=sa.String(length=254))


def downgrade() -> None:
    op.alter_column(
        "ab_user",
        "username",
        existing_type=sa.String(length=254),
        type_=sa.String(length=128),
        postgresql_using="left(username, 128)",
    )
