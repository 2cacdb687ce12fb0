"""What NEC's staff look for in the log of all mail.

Revision: 0009, after 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A trusted extension of PostgreSQL's own: the owner of a database may add it.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_index(
        "ix_mail_message_failed", "mail_message", ["id"], unique=False, postgresql_where=sa.text("state = 'failed'")
    )
    op.create_index("ix_mail_message_kind_id", "mail_message", ["kind", "id"], unique=False)
    op.create_index(
        "ix_mail_message_recipient",
        "mail_message",
        ["recipient"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"recipient": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_mail_message_resent_from",
        "mail_message",
        ["resent_from"],
        unique=False,
        postgresql_where=sa.text("resent_from IS NOT NULL"),
    )


def downgrade() -> None:
    for name in ("resent_from", "recipient", "kind_id", "failed"):
        op.drop_index(f"ix_mail_message_{name}", table_name="mail_message")
    # The extension stays: others may use it by now.
