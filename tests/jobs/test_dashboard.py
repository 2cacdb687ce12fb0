from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from jobs import dashboard
from jobs.job import JobFailed
from models.dashboard import figures
from models.dashboard.figures import DashboardFigures

pytestmark = pytest.mark.usefixtures("context")


def stored(make) -> dict[str, set[str]]:
    """The widgets with stored figures, by tenant."""
    make.session.rollback()
    found: dict[str, set[str]] = {}
    for row in make.session.scalars(select(DashboardFigures)):
        found.setdefault(row.tenant_id, set()).add(row.widget)
    return found


def test_the_hourly_job_stores_all_figures_but_the_daily_ones(make):
    tenants = [make.customer().tenant_id, make.tenant().id]
    dashboard.refresh()
    assert {tenant: len(stored(make)[tenant] - {"uncontracted"}) for tenant in tenants} == dict.fromkeys(tenants, 7)
    assert "uncontracted" not in stored(make)[tenants[0]]

    dashboard.refresh_daily()
    assert "uncontracted" in stored(make)[tenants[0]]


def test_a_run_that_broke_off_is_completed_by_the_next(make, monkeypatch):
    first, second = sorted(make.tenant().id for _ in range(2))
    whole = figures.refresh

    def breaks_off(session, **options):
        if session.info["tenant_scope"] == second:
            raise ConnectionError
        whole(session, **options)

    monkeypatch.setattr(figures, "refresh", breaks_off)
    with pytest.raises(JobFailed):
        dashboard.refresh()
    assert first in stored(make)
    assert second not in stored(make)

    monkeypatch.setattr(figures, "refresh", whole)
    dashboard.refresh()
    assert second in stored(make)


def test_two_runs_at_once_do_no_harm(app, make):
    tenant_id = make.customer().tenant_id

    def run(_number: int) -> None:
        with app.app_context():
            dashboard.refresh()
            dashboard.refresh_daily()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))
    assert len(stored(make)[tenant_id]) == 8
