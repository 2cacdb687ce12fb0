"""What every migration of a table needs: grants, and row-level security where a tenant owns the rows.

Autogenerate sees neither policies nor grants nor CHECK constraints: they are written here and checked against the
catalogue by tests/conventions/test_schema.py.
"""

from __future__ import annotations

from alembic import op

APP = "portal_app"
ALL_TENANTS = "portal_all_tenants"
# In a sub-select, so that it is worked out once per statement and not once per row.
OWN_TENANT = "tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), ''))"


def scoped_table(name: str, rights: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Put a table behind the tenant wall.

    :param name: a table with a ``tenant_id`` column.
    :param rights: what the app may do with its rows.
    """
    shared_table(name, rights)
    op.execute(f"GRANT {rights} ON {name} TO {ALL_TENANTS}")
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_tenant ON {name} TO {APP} USING ({OWN_TENANT}) WITH CHECK ({OWN_TENANT})")
    op.execute(f"CREATE POLICY every_tenant ON {name} TO {ALL_TENANTS} USING (true) WITH CHECK (true)")


def shared_table(name: str, rights: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Let the app use a table that belongs to no tenant."""
    op.execute(f"GRANT {rights} ON {name} TO {APP}, {ALL_TENANTS}")


def sequence(name: str) -> None:
    """Let the app take numbers from a sequence."""
    op.execute(f"GRANT USAGE ON SEQUENCE {name} TO {APP}, {ALL_TENANTS}")
