"""``flask portal audit verify``: without signed heads, it does not call the log complete."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from jobs import audit as audit_job
from models import audit
from models.actor import SYSTEM

COMPLETE = "The audit log is complete and unchanged.\n"
APART = "Apart from this, the audit log is complete and unchanged.\n"
NO_HEAD = "there is no signed head, so entries may be missing at the end\n"


@pytest.fixture
def heads_file(app, monkeypatch, tmp_path) -> Path:
    path = tmp_path / "heads.jsonl"
    monkeypatch.setitem(app.config, "AUDIT_HEADS_FILE", str(path))
    return path


@pytest.fixture
def record(make):
    """Record entries of a tenant; without one, outside tenants."""

    def record(tenant_id=None, *, entries=1):
        for number in range(entries):
            audit.record(make.session, "test.done", ("Test", number), by=SYSTEM, tenant_id=tenant_id)
            make.session.commit()

    return record


@pytest.fixture
def sign(app):
    """Do what the worker does every day."""

    def sign():
        with app.app_context():
            audit_job.record_heads()

    return sign


@pytest.fixture
def verify(app):
    """Run the command, and return its exit code and its output."""

    def verify(*options):
        told = app.test_cli_runner().invoke(args=["portal", "audit", "verify", *options])
        return told.exit_code, told.output

    return verify


def test_a_file_of_heads_that_does_not_exist_is_told_and_fails(verify, record, heads_file):
    record()

    assert verify() == (3, f"{heads_file} does not exist\noutside tenants: {NO_HEAD}{APART}")


@pytest.mark.parametrize(
    ("content", "code", "damaged"), [("", 3, ""), ("{}\n", 1, "{path}, line 1: the signature is wrong\n")]
)
def test_a_file_without_signed_heads_is_told_and_fails(verify, record, heads_file, content, code, damaged):
    record()
    heads_file.write_text(content)

    found, told = verify()

    assert found == code
    assert told.startswith(
        f"{damaged.format(path=heads_file)}{heads_file} has no line with a valid signature\noutside tenants: {NO_HEAD}"
    )
    assert COMPLETE not in told


def test_without_heads_an_empty_log_is_not_complete_either(verify, heads_file):
    assert verify() == (3, f"{heads_file} does not exist\n{APART}")


def test_a_chain_without_a_head_is_named_and_the_others_are_compared(verify, record, sign, make, heads_file):
    record()
    sign()
    new = make.tenant().id
    record(new)

    assert verify() == (3, f"tenant {new}: {NO_HEAD}{APART}")
    sign()
    assert verify() == (0, COMPLETE)


def test_a_new_installation_is_verified_with_an_option(verify, record, heads_file):
    record()

    assert verify("--without-heads") == (0, f"{heads_file} does not exist\noutside tenants: {NO_HEAD}{APART}")


@pytest.fixture
def cut_off(service_env):
    """Remove the third entry, and everything in the database that says that there was one."""
    url = make_url(service_env["SUPERUSER_URL"]).set(drivername="postgresql").render_as_string(hide_password=False)

    def cut_off():
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "DELETE FROM audit_entry WHERE id = 3; DELETE FROM audit_link WHERE entry_id = 3;"
                " UPDATE audit_chain SET last_position = 2, last_hash = (SELECT hash FROM audit_link WHERE position = 2)"
            )

    return cut_off


def test_entries_that_were_cut_off_are_not_hidden_by_the_option(verify, record, sign, cut_off, heads_file):
    record(entries=3)
    sign()
    cut_off()

    missing = "outside tenants: the chain once had 3 entries; its end is missing\n"
    assert verify() == (1, missing)
    assert verify("--without-heads") == (1, missing)
    # What a command says that reads another file, because it was run with other settings than the worker.
    heads_file.unlink()
    assert verify()[0] == 3
