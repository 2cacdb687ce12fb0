from __future__ import annotations

from dataclasses import replace

import pytest

from app.demo import creation
from app.demo.tenants import TENANTS


@pytest.fixture
def run(app, tmp_path, monkeypatch):
    """Run ``flask portal demo`` where it is allowed; answers what it printed."""
    monkeypatch.setitem(app.config, "PORTAL_DEMO", True)
    monkeypatch.setitem(app.config, "PORTAL_INSTANCE", tmp_path)
    runner = app.test_cli_runner()

    def output() -> str:
        result = runner.invoke(args=["portal", "demo"])
        if not isinstance(result.exception, SystemExit | None):
            raise result.exception
        return result.output

    return output


@pytest.fixture
def few_alerts(monkeypatch):
    """Ten alerts of a UTM are enough for most tests, and quick."""
    monkeypatch.setattr(creation, "TENANTS", tuple(_with_few_alerts(tenant) for tenant in TENANTS))


@pytest.fixture
def demo(run, make, few_alerts):
    """A session that sees all of a demo that was made, but for most of its alerts."""
    assert run().startswith("Demo data created: 2 tenants, 44 customers, 15 UTMs, 130 alerts.\n")
    return make.session


def _with_few_alerts(tenant):
    customers = (
        replace(each, utms=tuple(replace(utm, alerts=min(10, utm.alerts)) for utm in each.utms))
        for each in tenant.customers
    )
    return replace(tenant, customers=tuple(customers))
