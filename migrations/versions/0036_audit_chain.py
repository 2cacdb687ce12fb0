"""Chain the entries of the audit log by hashes, per tenant.

Revision: 0036, after 0035
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app import migrating

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# What the hash of an entry covers. The time is written in UTC, because its text must not depend on the session.
ENTRY_TEXT = """
CREATE FUNCTION audit_entry_text(entry audit_entry) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT jsonb_build_array(
        entry.id, to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), entry.tenant_id, entry.actor,
        entry.user_id, entry.address, entry.request_id, entry.action, entry.subject_type, entry.subject_id,
        entry.before, entry.after
    )::text
$$
"""

# Called at the end of a transaction for each of its entries. The first call chains all of them: visible entries without a
# link belong to this transaction, because others become visible together with their link. Everybody locks the chains in
# the same order, so that transactions with entries of several tenants cannot wait for each other in a circle.
CHAIN_ENTRIES = """
CREATE FUNCTION chain_audit_entries() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    tenant text;
    entry record;
    reached bigint;
    head bytea;
BEGIN
    IF EXISTS (SELECT FROM audit_link WHERE entry_id = NEW.id) THEN
        RETURN NULL;
    END IF;
    FOR tenant IN
        SELECT DISTINCT coalesce(e.tenant_id, '') COLLATE "C" AS name
        FROM audit_entry e
        WHERE e.id >= NEW.id AND NOT EXISTS (SELECT FROM audit_link WHERE entry_id = e.id)
        ORDER BY name
    LOOP
        INSERT INTO audit_chain (name) VALUES (tenant) ON CONFLICT DO NOTHING;
        SELECT last_position, last_hash INTO STRICT reached, head FROM audit_chain WHERE name = tenant FOR UPDATE;
        FOR entry IN
            SELECT e.id, audit_entry_text(e) AS content
            FROM audit_entry e
            WHERE e.id >= NEW.id AND coalesce(e.tenant_id, '') = tenant
                AND NOT EXISTS (SELECT FROM audit_link WHERE entry_id = e.id)
            ORDER BY e.id
        LOOP
            reached := reached + 1;
            head := sha256(head || convert_to(entry.content, 'UTF8'));
            INSERT INTO audit_link (entry_id, chain, position, hash) VALUES (entry.id, tenant, reached, head);
        END LOOP;
        UPDATE audit_chain SET last_position = reached, last_hash = head WHERE name = tenant;
    END LOOP;
    RETURN NULL;
END $$
"""

# The same for the entries that are older than the chains.
CHAIN_OLD_ENTRIES = """
DO $$
DECLARE
    entry record;
    tenant text;
    reached bigint;
    head bytea;
BEGIN
    FOR entry IN
        SELECT e.id, coalesce(e.tenant_id, '') AS name, audit_entry_text(e) AS content
        FROM audit_entry e
        ORDER BY 2, 1
    LOOP
        IF tenant IS DISTINCT FROM entry.name THEN
            tenant := entry.name;
            INSERT INTO audit_chain (name) VALUES (tenant) RETURNING last_position, last_hash INTO reached, head;
        END IF;
        reached := reached + 1;
        head := sha256(head || convert_to(entry.content, 'UTF8'));
        INSERT INTO audit_link (entry_id, chain, position, hash) VALUES (entry.id, tenant, reached, head);
        UPDATE audit_chain SET last_position = reached, last_hash = head WHERE name = tenant;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "audit_chain",
        sa.Column("name", sa.String(length=8), nullable=False),
        sa.Column("last_position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), server_default=sa.text("sha256('')"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit_link",
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.String(length=8), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("uq_audit_link_chain_position", "audit_link", ["chain", "position"], unique=True)
    # Only the trigger writes them, as the owner; only verification reads them.
    for table in ("audit_chain", "audit_link"):
        op.execute(f"GRANT SELECT ON {table} TO {migrating.ALL_TENANTS}")
    op.execute(ENTRY_TEXT)
    op.execute(CHAIN_ENTRIES)
    for function in ("audit_entry_text(audit_entry)", "chain_audit_entries()"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION audit_entry_text(audit_entry) TO {migrating.ALL_TENANTS}")
    # From here to the end of the migration nobody writes an entry: it would be chained neither here nor by the trigger.
    op.execute("LOCK TABLE audit_entry IN SHARE ROW EXCLUSIVE MODE")
    op.execute(CHAIN_OLD_ENTRIES)
    op.execute(
        """
        CREATE CONSTRAINT TRIGGER chain_audit_entries AFTER INSERT ON audit_entry
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chain_audit_entries()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER chain_audit_entries ON audit_entry")
    op.execute("DROP FUNCTION chain_audit_entries()")
    op.execute("DROP FUNCTION audit_entry_text(audit_entry)")
    op.drop_table("audit_link")
    op.drop_table("audit_chain")
