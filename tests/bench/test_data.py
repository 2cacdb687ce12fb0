"""The data that is measured, at a tiny size."""

from __future__ import annotations

from tests.bench.conftest import AROUND, TINY


def test_a_part_is_spread_over_its_tenants(tiny):
    with tiny.owner() as owner:
        customers, utms, alerts = (
            dict(owner.execute(f"SELECT tenant_id, count(*) FROM {table} GROUP BY tenant_id").fetchall())
            for table in ("customer", "utm", "alert")
        )
        daily = dict(owner.execute("SELECT tenant_id, sum(count) FROM alert_daily GROUP BY tenant_id").fetchall())

    # Another test of this database adds customers to the tenant of the account.
    assert customers.pop(tiny.tenant_id) >= TINY.customers
    assert list(customers.values()) == [2, 2, 2]
    assert utms.pop(tiny.tenant_id) == 102
    assert sum(utms.values()) == 100 + (AROUND.customers - 1) + AROUND.more_utms
    assert daily == alerts
    assert alerts.pop(tiny.tenant_id) == TINY.alerts
    assert sum(alerts.values()) == AROUND.alerts


def test_every_company_is_compared_and_only_the_first_customers_utms_have_statistics(tiny):
    with tiny.owner() as owner:
        assert owner.execute("SELECT count(*), min(companies), max(companies) FROM comparison_month").fetchone() == (
            13,
            9,
            9,
        )
        for hours in ("= -1", ">= 0"):
            counted = owner.execute(f"SELECT sum(count) FROM comparison_count WHERE hour {hours}")
            assert counted.fetchone() == (TINY.alerts + AROUND.alerts,)
        found = owner.execute("SELECT customer_id, count(*), count(DISTINCT utm_id) FROM threat_stat GROUP BY 1")
        assert found.fetchall() == [(tiny.customer_id, 100 * 2 * 24 * 10, 100)]
