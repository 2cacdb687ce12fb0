"""Store with an audit entry the role that its author acted in.

Revision: 0038, after 0037
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_BEFORE = """
    SELECT jsonb_build_array(
        entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), entry.tenant_id, entry.actor,
        entry.user_id, entry.address, entry.request_id, entry.action, entry.subject_type, entry.subject_id,
        entry.before, entry.after
    )::text
"""

# Entries without a role keep the text that older entries were hashed with.
_AFTER = """
    SELECT (
        jsonb_build_array(
            entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), entry.tenant_id, entry.actor,
            entry.user_id, entry.address, entry.request_id, entry.action, entry.subject_type, entry.subject_id,
            entry.before, entry.after
        ) || CASE WHEN entry.role IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(entry.role) END
    )::text
"""


def _replace_entry_text(body: str) -> None:
    op.execute(
        "CREATE OR REPLACE FUNCTION audit_entry_text(entry audit_entry) RETURNS text LANGUAGE sql STABLE"
        f" SET search_path = pg_catalog, public, pg_temp AS $$ {body} $$"
    )


def upgrade() -> None:
    op.add_column("audit_entry", sa.Column("role", sa.String(length=200), nullable=True))
    _replace_entry_text(_AFTER)


def downgrade() -> None:
    _replace_entry_text(_BEFORE)
    op.drop_column("audit_entry", "role")
