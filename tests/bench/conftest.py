"""A dataset with a few thousand alerts: enough to show that what is measured is what is meant."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app.demo import bench
from app.demo.bench_customers import Part
from models import clock
from tests.bench.datasets import Dataset, look

TINY = Part(number=1, customers=3, alerts=6_000, share=0.5, statistics_days=2)
AROUND = Part(number=2, customers=6, alerts=600, share=0.05, tenants=3, more_utms=2)


@pytest.fixture(scope="session")
def tiny(servers, worker_id, _whole_run_app, tmp_path_factory) -> Iterator[Dataset]:
    """Its own database on the run's servers: other tests empty theirs."""
    name = f"bench_{worker_id}"
    superuser = make_url(servers["superuser"]).set(drivername="postgresql").render_as_string()
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER portal_owner TEMPLATE portal").format(sql.Identifier(name))
        )
    env = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": _database(servers["app"], name),
        "DATABASE_OWNER_URL": _database(servers["owner"], name),
        "REDIS_URL": servers["redis"],
        "PORTAL_INSTANCE": str(tmp_path_factory.mktemp("bench")),
    }
    engine = create_engine(env["DATABASE_URL"], native_inet_types=False)
    with _whole_run_app.app_context(), Session(engine, info={"tenant_scope": "*"}) as session:
        bench.make(session, clock.utc_now(), [TINY, AROUND])
        session.commit()
    engine.dispose()
    yield look("tiny", env)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)
