"""Helpers for migrations that create tables: grants, and row-level security for tables with tenant rows.

Autogenerate does not cover policies, grants and CHECK constraints: migrations contain them explicitly, and
tests/conventions/test_schema.py checks them against the catalogue.
"""

from __future__ import annotations

from alembic import op

APP = "portal_app"
ALL_TENANTS = "portal_all_tenants"
# A sub-select, so that it is evaluated once per statement instead of once per row.
OWN_TENANT = "tenant_id = (SELECT nullif(current_setting('app.tenant_id', true), ''))"

# Evaluated for each row, where a sub-select is not possible.
OWN_TENANT_DIRECTLY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')"


def scoped_table(name: str, rights: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Grant the app access to a table and enable row-level security on it.

    :param name: a table with a ``tenant_id`` column.
    :param rights: the privileges of the app.
    """
    shared_table(name, rights)
    op.execute(f"GRANT {rights} ON {name} TO {ALL_TENANTS}")
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_tenant ON {name} TO {APP} USING ({OWN_TENANT}) WITH CHECK ({OWN_TENANT})")
    op.execute(f"CREATE POLICY every_tenant ON {name} TO {ALL_TENANTS} USING (true) WITH CHECK (true)")


def shared_table(name: str, rights: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Grant the app access to a table that does not belong to a tenant."""
    op.execute(f"GRANT {rights} ON {name} TO {APP}, {ALL_TENANTS}")


def sequence(name: str) -> None:
    """Grant the app the use of a sequence."""
    op.execute(f"GRANT USAGE ON SEQUENCE {name} TO {APP}, {ALL_TENANTS}")
