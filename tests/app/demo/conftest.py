from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.demo import creation
from app.demo.tenants import TENANTS
from models.db import db
from tests.support import cleaning

CREATED = "Demo data created: 2 tenants, 44 customers, 15 UTMs, 130 alerts.\n"


@pytest.fixture
def run(app, tmp_path, monkeypatch):
    """Run ``flask portal demo`` where it is allowed; answers what it printed."""
    _allow(app, tmp_path, monkeypatch)
    return lambda: _run(app)


@pytest.fixture
def few_alerts(monkeypatch):
    """Ten alerts of a UTM are enough for most tests, and quick."""
    _limit_alerts(monkeypatch)


@pytest.fixture
def new_demo(run, make, few_alerts):
    """A session that sees all of a demo that was made, but for most of its alerts."""
    assert run().startswith(CREATED)
    return make.session


@pytest.fixture(scope="module")
def demo_folder(_whole_run_app, service_env, tmp_path_factory) -> Iterator[Path]:
    """The instance folder of a demo with few alerts, which is made once for a module.

    The other tests of the module cannot ask for ``app``, which empties the database.
    """
    folder = tmp_path_factory.mktemp("demo")
    cleaning.know(service_env)
    with pytest.MonkeyPatch.context() as monkeypatch:
        _allow(_whole_run_app, folder, monkeypatch)
        _limit_alerts(monkeypatch)
        assert _run(_whole_run_app).startswith(CREATED)
    yield folder
    cleaning.empty(service_env)


@pytest.fixture
def demo(demo_folder, _whole_run_app) -> Iterator[Session]:
    """A session that sees all of the demo of the module, and can change nothing."""
    with _whole_run_app.app_context():
        engine = db.engine.execution_options(postgresql_readonly=True)
    with Session(engine, info={"tenant_scope": "*"}) as session:
        yield session


def _allow(app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "PORTAL_DEMO", True)
    monkeypatch.setitem(app.config, "PORTAL_INSTANCE", folder)


def _run(app: Flask) -> str:
    result = app.test_cli_runner().invoke(args=["portal", "demo"])
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    return result.output


def _limit_alerts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "TENANTS", tuple(_with_few_alerts(tenant) for tenant in TENANTS))


def _with_few_alerts(tenant):
    customers = (
        replace(each, utms=tuple(replace(utm, alerts=min(10, utm.alerts)) for utm in each.utms))
        for each in tenant.customers
    )
    return replace(tenant, customers=tuple(customers))
