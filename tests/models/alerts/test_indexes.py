"""Which index the planner, as the app's role, takes for each condition of §7.17 フィルタ."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from models.alerts import search as alert_search
from models.alerts.search import AlertQuery
from tests.support.alerts import NOW, store_named


@pytest.fixture
def utm(make):
    return make.customer_with_utm(make.tenant())[1]


@pytest.fixture
def arrive(engine):
    return partial(store_named, engine)


@pytest.fixture
def as_owner(service_env):
    """Run a statement as the owner of the tables."""

    def run(statement):
        owner = make_url(service_env["DATABASE_OWNER_URL"]).set(drivername="postgresql")
        with psycopg.connect(owner.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement)

    return run


@pytest.fixture
def plan(utm, in_tenant, as_owner):
    """How the planner, as the app's role, means to look for alerts that meet conditions, line by line."""

    def ask(**conditions):
        as_owner("ANALYZE alert")
        query = AlertQuery(utm.customer_id, NOW - timedelta(days=1), NOW, **conditions)
        where, values = alert_search.conditions(query)
        with in_tenant(utm.tenant_id) as session:
            lines = session.connection().exec_driver_sql(f"EXPLAIN SELECT seq FROM alert WHERE {where}", values)
            return [line for (line,) in lines]

    return ask


@pytest.mark.parametrize(
    ("conditions", "place"),
    [
        ({"source": "192.168.10.24/32"}, "src_ip = "),
        ({"source": "192.168.10.0/24"}, "src_ip >= "),
        ({"destination": "2001:db8::7/128"}, "dst_ip = "),
        ({"destination": "2001:db8::/32"}, "dst_ip <= "),
        ({"alert_id": "1671773662-"}, "alert_id ~>=~ "),
    ],
)
def test_the_wall_leaves_a_condition_its_index(utm, arrive, plan, conditions, place):
    addresses = [f"10.1.{number // 200}.{number % 200}" for number in range(1_000)]
    arrive(utm, **{f"id-{each}": {"src-ip": each, "dst-ip": each} for each in addresses})

    reached = [line for line in plan(**conditions) if "Index Cond" in line]

    assert reached
    assert all(place in line.replace("(alert_id)::text", "alert_id") for line in reached), reached


def partial_indexes(engine, word: str) -> set[str]:
    """The indexes of months whose predicate has a word in it."""
    with engine.connect() as connection:
        partial = connection.execute(
            text(
                "SELECT indexrelid::regclass::text FROM pg_index WHERE pg_get_expr(indpred, indrelid) LIKE :word"
                " AND pg_partition_root(indrelid) = 'alert'::regclass"
            ),
            {"word": f"%{word}%"},
        )
        return set(partial.scalars())


@pytest.mark.parametrize(
    ("conditions", "index"),
    [
        ({"important": True}, "level"),
        ({"level": "high"}, "level"),
        ({"function": "antivirus"}, "function"),
        ({"function": "web_guard"}, "function"),
        ({"action": "Reset-Both"}, "lower"),
        ({"action": "sent to nobody"}, "lower"),
    ],
)
def test_what_is_seldom_there_has_an_index_of_its_own(utm, arrive, plan, engine, conditions, index):
    arrive(utm, **{f"id-{number}": {} for number in range(1_000)}, seldom={"act": "reset-both"})
    names = partial_indexes(engine, index)

    reached = [line for line in plan(**conditions) if "Scan" in line]

    assert reached
    assert all(any(name in line for name in names) for line in reached), reached


@pytest.mark.parametrize(("conditions", "index"), [({"url": "x"}, "url_text"), ({"file": "x"}, "file_text")])
def test_a_part_is_looked_for_among_those_that_have_such_a_text(utm, arrive, plan, engine, conditions, index):
    few = {f"few-{number}": {"url": "http://www.example.jp/", "file": "a.exe"} for number in range(5)}
    arrive(utm, **{f"id-{number}": {} for number in range(1_000)}, **few)
    names = partial_indexes(engine, f"{index} IS NOT NULL")

    walked = [line for line in plan(**conditions) if "Scan" in line and " long" not in line]

    assert names
    assert walked
    assert all(any(name in line for name in names) for line in walked), walked


@pytest.mark.parametrize(("conditions", "index"), [({"threat": "x"}, "threat"), ({"url": "x"}, "url_text")])
def test_long_texts_are_put_together_for_a_search_where_they_are_alone(utm, arrive, plan, engine, conditions, index):
    arrive(
        utm, **{f"id-{number}": {"url": "http://www.example.jp/"} for number in range(1_000)}, long={"msg": "x" * 512}
    )
    names = partial_indexes(engine, f"char_length(({index})")

    walked = [line for line in plan(**conditions) if "Scan" in line and " long" in line]

    assert names
    assert walked
    assert all(any(name in line for name in names) for line in walked), walked


@pytest.mark.parametrize(
    "conditions",
    [{}, {"function": "ips"}, {"action": "Pass"}, {"level": "low"}, {"important": True}, {"threat": "scan"}],
)
def test_counting_reads_the_index_alone(make, utm, arrive, in_tenant, as_owner, conditions):
    arrive(utm, **{f"id-{number}": {"msg": "Port scan"} for number in range(1_000)}, high={"alert_severity": "high"})
    beside = make.utm(customer_row=make.customer(tenant_id=utm.tenant_id))
    arrive(beside, **{f"id-{number}": {} for number in range(5_000)})
    as_owner("VACUUM ANALYZE alert")
    query = AlertQuery(utm.customer_id, NOW - timedelta(days=1), NOW, **conditions)

    with in_tenant(utm.tenant_id) as session, session.begin():
        count = alert_search._count(alert_search.shape_of(query))
        statement = f"EXPLAIN {count.text}"
        found = session.connection().exec_driver_sql(statement, count.values | alert_search.values_of(query))
        scans = [row for (row,) in found if "Scan" in row and " long" not in row and "counted" not in row]

    assert scans
    assert all("Index Only Scan" in row for row in scans), scans
