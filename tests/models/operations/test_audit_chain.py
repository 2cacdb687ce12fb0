"""The chains of the audit log: each entry is linked once, and verification finds whatever was changed behind them."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from models import audit
from models.actor import SYSTEM
from models.operations import audit_chain
from models.operations.audit_chain import AuditLink, Head
from tests.support.concurrency import MANY, outcomes

KEY = audit_chain.signing_key("a secret")
AT = datetime(2026, 4, 1, 2, 45, tzinfo=UTC)


@pytest.fixture
def superuser(service_env):
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def tenants(make):
    """Two tenants, whose chains begin empty."""
    found = [make.tenant().id, make.tenant().id]
    make.session.commit()
    return found


def record(session, *chains: str, action: str = "test.done") -> None:
    for number, chain in enumerate(chains):
        audit.record(session, action, ("Test", number), by=SYSTEM, tenant_id=chain or None, after={"名": "é", "n": 1.5})


def problems(make, earlier=()) -> list[tuple[str, str]]:
    make.session.rollback()
    return [tuple(each) for each in audit_chain.verify(make.session, earlier)]


def positions(make) -> dict[str, list[int]]:
    make.session.rollback()
    links = make.session.execute(
        select(AuditLink.chain, AuditLink.position).order_by(AuditLink.chain, AuditLink.position)
    )
    return {chain: [each.position for each in of_chain] for chain, of_chain in groupby(links, lambda row: row.chain)}


def test_entries_of_a_transaction_are_linked_at_its_end_each_in_its_tenants_chain(make, tenants):
    one, two = tenants
    record(make.session, two, one, "", two)
    assert make.session.scalars(select(AuditLink)).all() == []
    with make.session.begin_nested():
        record(make.session, one)
    make.session.commit()
    record(make.session, one)
    make.session.rollback()
    record(make.session, one)
    make.session.commit()

    assert positions(make) == {"": [1], one: [1, 2, 3], two: [1, 2]}
    assert problems(make) == []


def test_many_transactions_with_the_same_tenants_in_any_order_leave_whole_chains(engine, make, tenants):
    one, two = tenants

    def act(session, number):
        record(session, *((one, two, "") if number % 2 else ("", two, one)))

    assert outcomes(engine, "*", act) == {"done": MANY}
    assert positions(make) == {chain: [*range(1, MANY + 1)] for chain in ("", one, two)}
    assert problems(make) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE audit_entry SET actor = 'somebody@example.jp' WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit_entry SET after = '{\"n\": 2}' WHERE id = 2", "entry 2 was changed"),
        ("UPDATE audit_entry SET at = at - interval '1 us' WHERE id = 2", "entry 2 was changed"),
        ("DELETE FROM audit_entry WHERE id = 2", "entry 2 is missing"),
        (
            "DELETE FROM audit_link WHERE entry_id = 2; DELETE FROM audit_entry WHERE id = 2",
            "positions 2 to 2 are missing",
        ),
        (
            "DELETE FROM audit_link WHERE entry_id = 3; DELETE FROM audit_entry WHERE id = 3",
            "its last entries after position 2 are missing",
        ),
        ("DELETE FROM audit_link WHERE entry_id = 2", "entry 2 is not in the chain"),
        ("DELETE FROM audit_chain", "its last entries after position 3 are missing"),
    ],
)
def test_what_was_changed_or_removed_is_found(make, tenants, superuser, damage, told):
    record(make.session, *[tenants[0]] * 3)
    make.session.commit()
    assert problems(make) == []

    superuser.execute(damage)

    assert (tenants[0], told) in problems(make)


def test_an_entry_moved_to_another_tenant_is_found(make, tenants, superuser):
    one, two = tenants
    record(make.session, one, one)
    make.session.commit()

    superuser.execute("UPDATE audit_entry SET tenant_id = %s WHERE id = 2", [two])

    assert problems(make) == [(one, "entry 2 was changed")]


def test_a_chain_that_was_cut_off_or_written_anew_differs_from_its_recorded_head(make, tenants, superuser):
    one = tenants[0]
    record(make.session, one, one, one)
    make.session.commit()
    recorded = audit_chain.read_signed(audit_chain.signed(audit_chain.heads(make.session), at=AT, key=KEY), key=KEY)
    make.session.rollback()
    assert [(head.chain, head.position) for head in recorded] == [(one, 3)]
    assert problems(make, recorded) == []

    # The work of somebody who may do everything in the database.
    superuser.execute("DELETE FROM audit_entry WHERE id = 3; DELETE FROM audit_link WHERE entry_id = 3")
    superuser.execute(
        "UPDATE audit_chain SET last_position = 2, last_hash = (SELECT hash FROM audit_link WHERE position = 2)"
    )
    assert problems(make) == []
    assert problems(make, recorded) == [(one, "the chain once had 3 entries; its end is missing")]

    record(make.session, one)
    make.session.commit()
    assert problems(make, recorded) == [(one, "position 3 differs from the recorded head")]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"at": "", "heads": [], "signature": ""}',
        '{"at": "", "heads": [], "signature": null}',
        audit_chain.signed([Head("T1000000", 3, "ab")], at=AT, key=b"another"),
        audit_chain.signed([Head("T1000000", 3, "ab")], at=AT, key=KEY).replace("3", "2", 1),
    ],
)
def test_heads_without_our_signature_are_not_taken(line):
    assert audit_chain.read_signed(line, key=KEY) is None


def test_entries_older_than_the_chains_are_linked_by_the_migration(make, tenants, superuser):
    record(make.session, tenants[0], "", tenants[1], tenants[0])
    make.session.commit()
    before = superuser.execute("SELECT entry_id, chain, position, hash FROM audit_link ORDER BY 1").fetchall()
    superuser.execute("DELETE FROM audit_link; DELETE FROM audit_chain")
    path = next((Path(__file__).parents[3] / "migrations" / "versions").glob("*_audit_chain.py"))
    spec = importlib.util.spec_from_file_location("audit_chain_migration", path)
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)

    superuser.execute(migration.CHAIN_OLD_ENTRIES)

    assert superuser.execute("SELECT entry_id, chain, position, hash FROM audit_link ORDER BY 1").fetchall() == before
    assert problems(make) == []
