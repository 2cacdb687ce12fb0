"""The daily record of the audit log's state, and its verification on the command line."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from jobs import audit as audit_job
from models import audit
from models.actor import SYSTEM


@pytest.fixture
def heads_file(app, monkeypatch, tmp_path) -> Path:
    path = tmp_path / "new" / "heads.jsonl"
    monkeypatch.setitem(app.config, "AUDIT_HEADS_FILE", str(path))
    return path


def run_job(app) -> None:
    with app.app_context():
        audit_job.record_heads()


def test_the_state_is_added_every_day_and_verified(app, make, heads_file):
    verify = app.test_cli_runner().invoke
    audit.record(make.session, "test.done", ("Test", 1), by=SYSTEM)
    make.session.commit()
    run_job(app)
    run_job(app)

    told = verify(args=["portal", "audit", "verify"])

    assert (told.exit_code, told.output) == (0, "The audit log is complete and unchanged.\n")
    assert len(heads_file.read_text().splitlines()) == 2
    assert stat.S_IMODE(heads_file.stat().st_mode) == 0o600


def test_a_line_that_a_killed_run_left_damages_only_itself(app, heads_file):
    run_job(app)
    heads_file.write_bytes(heads_file.read_bytes()[:-9])
    run_job(app)

    told = app.test_cli_runner().invoke(args=["portal", "audit", "verify", "--heads", str(heads_file)])

    assert (told.exit_code, told.output) == (1, f"{heads_file}, line 1: the signature is wrong\n")
