"""What lets the alerts have a database of their own, and Citus distribute them by customer (docs/scaling.md)."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import UniqueConstraint

from app import migrating
from models.db import ALERTS, db

ROOT = Path(__file__).parents[2]
AREA = sorted(table.name for table in db.metadata.sorted_tables if table.info.get("database") == ALERTS)
DISTRIBUTED = import_module("migrations.alerts.versions.0001_alerts").DISTRIBUTED
# For processes of the previous version. They are not made where Citus distributes the rows.
KEPT_FOR_A_VERSION = {"uq_alert_daily_utm_id", "uq_threat_stat_utm_id"}
STATEMENTS = sorted((ROOT / "models" / "alerts").glob("*.py"))


def unique_keys(table) -> list[list[str]]:
    keys = [list(table.primary_key.columns.keys())]
    keys += [list(each.columns.keys()) for each in table.constraints if isinstance(each, UniqueConstraint)]
    return keys + [
        list(index.columns.keys()) for index in table.indexes if index.unique and index.name not in KEPT_FOR_A_VERSION
    ]


def test_the_tables_of_the_alerts_are_these():
    assert [
        *("alert", "alert_daily", "alert_mail_due"),
        *("comparison_count", "comparison_month", "comparison_participant", "threat_stat"),
    ] == AREA


@pytest.mark.parametrize("table", DISTRIBUTED)
def test_every_unique_key_of_a_distributed_table_starts_with_the_customer(table):
    assert [key[0] for key in unique_keys(db.metadata.tables[table])] == ["customer_id"]


@pytest.mark.parametrize("table", AREA)
def test_no_foreign_key_leads_out_of_the_alerts_or_into_them(table):
    assert db.metadata.tables[table].foreign_keys == set()
    for other in db.metadata.sorted_tables:
        assert {key.column.table.name for key in other.foreign_keys}.isdisjoint(AREA), other.name


def test_the_policy_for_distributed_tables_has_no_sub_select():
    assert "select" not in migrating.OWN_TENANT_DIRECTLY.casefold()


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_statements_about_alerts_keep_to_what_citus_runs(path):
    source = path.read_text()

    assert "ctid" not in source, "A row is found by its key: its place is that of a shard."
    assert "set_config" not in source, "Citus passes SET LOCAL on to its workers, but not what a function sets."
    for statement in re.findall(r'text\(f?"""(.*?)"""', source, re.DOTALL):
        *_, grouped = re.split(r"\bFROM alert\b", statement)
        if "GROUPING SETS" in grouped:
            assert "INSERT INTO" in grouped, (
                "Citus has no GROUPING SETS over rows of several shards: select them before."
            )
    for key in re.findall(r"ON CONFLICT \((.*?)\)", source) + re.findall(r"index_elements=\[(.*?)\]", source):
        columns = [each.strip(' "') for each in key.split(",")]
        assert columns[0] in {"customer_id", "tenant_id"}, f"{path.name}: ON CONFLICT ({key})"
    assert not re.search(r"\b(JOIN|FROM) (utm|customer|contract|tenant)\b", source), "Join names with unnest()."
