"""Imports of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.imports.import_run import ImportRow, ImportRun
from models.tenants.tenant import Tenant

if TYPE_CHECKING:
    from tests.factories import Make


def import_run(make: Make, *, tenant: Tenant | None = None, **values: Any) -> ImportRun:
    """An import that was checked, of one row."""
    defaults = {"file_name": "顧客.csv", "row_count": 1, "actor": {"name": "operator@example.jp"}}
    run = make.save(ImportRun(tenant_id=(tenant or make.tenant()).id, **defaults | values))
    make.import_row(run=run)
    return run


def import_row(make: Make, *, run: ImportRun | None = None, **values: Any) -> ImportRow:
    """A row that makes a customer."""
    of = run or make.import_run()
    empty = ("customer_id", "version", "same_as", "contract", "utm", "utm_key", "utm_before")
    defaults = {
        "number": 2,
        "content": dict.fromkeys(empty) | {"customer": {"name": "Sample Inc."}},
        "differences": [],
        "warnings": [],
    }
    return make.save(ImportRow(tenant_id=of.tenant_id, run_id=of.id, **defaults | values))
