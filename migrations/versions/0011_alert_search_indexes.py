"""Give each condition of the alert search a way to few rows.

Among a month of a large customer's alerts, the High ones, those of one address or one alert ID are few, and walking the
list's index past all others took most of the time of their pages. What was found and URLs are kept in columns of their own,
in small letters, so that indexes can hold them.

The table is written anew for them: about two minutes for ten million alerts, in which none come in or are read.

Revision: 0011, after 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ORDER = [sa.literal_column("occurred_at DESC"), sa.literal_column("seq DESC")]
KEY = ["customer_id", *ORDER]
SHOWN = ["tenant_id", "utm_id", "alert_id", "function", "action", "level"]
LISTED_BEFORE = [*SHOWN, "src_ip", "dst_ip"]
LISTED = [*SHOWN, "threat"]
SELDOM = {
    "high": "level = 'high'",
    "seldom_function": "function IN ('antivirus', 'web_guard')",
    "other_action": "lower(action) <> 'pass' AND lower(action) <> 'block'",
}
THREAT = """
left(lower(coalesce(virus, '') || coalesce(chr(10) || msg, '') || coalesce(chr(10) || cname, '')
    || coalesce(chr(10) || app, '')), 512)
"""
URL_TEXT = "CASE WHEN octet_length(lower(url)) <= 2048 THEN lower(url) ELSE left(lower(url), 512) END"


def upgrade() -> None:
    op.drop_index("ix_alert_list", table_name="alert")
    # All in one statement, as each writes the table anew.
    op.execute(
        f"ALTER TABLE alert ADD COLUMN threat VARCHAR(512) GENERATED ALWAYS AS ({THREAT}) STORED,"
        f" ADD COLUMN url_text VARCHAR(2048) GENERATED ALWAYS AS ({URL_TEXT}) STORED,"
        " ADD COLUMN file_text VARCHAR(512) GENERATED ALWAYS AS (left(lower(file), 512)) STORED"
    )
    op.create_index("ix_alert_list", "alert", KEY, unique=False, postgresql_include=LISTED)
    for name, where in SELDOM.items():
        op.create_index(
            f"ix_alert_{name}",
            "alert",
            KEY,
            unique=False,
            postgresql_include=LISTED,
            postgresql_where=sa.text(where),
        )
    op.drop_index("ix_alert_file", table_name="alert")
    op.create_index(
        "ix_alert_file",
        "alert",
        KEY,
        unique=False,
        postgresql_include=[*SHOWN, "file_text"],
        postgresql_where=sa.text("file_text IS NOT NULL"),
    )
    op.create_index(
        "ix_alert_url",
        "alert",
        KEY,
        unique=False,
        postgresql_include=[*SHOWN, "url_text"],
        postgresql_where=sa.text("url_text IS NOT NULL"),
    )
    op.create_index("ix_alert_source", "alert", ["customer_id", "src_ip", *ORDER], unique=False)
    op.create_index("ix_alert_destination", "alert", ["customer_id", "dst_ip", *ORDER], unique=False)
    op.create_index(
        "ix_alert_alert_id",
        "alert",
        ["customer_id", "alert_id"],
        unique=False,
        postgresql_ops={"alert_id": "varchar_pattern_ops"},
    )


def downgrade() -> None:
    names = ["alert_id", "destination", "source", "url", "file", *SELDOM, "list"]
    for name in names:
        op.drop_index(f"ix_alert_{name}", table_name="alert")
    op.drop_column("alert", "file_text")
    op.drop_column("alert", "url_text")
    op.drop_column("alert", "threat")
    op.create_index("ix_alert_list", "alert", KEY, unique=False, postgresql_include=LISTED_BEFORE)
    op.create_index("ix_alert_file", "alert", KEY, unique=False, postgresql_where=sa.text("file IS NOT NULL"))
