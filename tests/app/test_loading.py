"""What loading the application does to its process."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from app import create_app

ROOT = Path(__file__).parents[2]
LOADED = (
    "import gc, sys; from app import create_app; create_app();"
    " print(gc.isenabled(), gc.get_freeze_count() > 100_000, 'alembic' in sys.modules)"
)


def test_the_loaded_application_is_exempt_from_garbage_collection_and_has_no_alembic(service_env):
    loading = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT,
        env=os.environ | service_env,
        capture_output=True,
        text=True,
        check=True,
    )

    assert loading.stdout.split() == ["True", "True", "False"], loading.stderr


def test_without_alembic_the_newest_migrations_are_known(app):
    for head, folder in (("MIGRATION_HEAD", "MIGRATIONS"), ("ALERT_MIGRATION_HEAD", "ALERT_MIGRATIONS")):
        assert app.config[head] == ScriptDirectory(str(app.config[folder])).get_current_head()


def test_a_second_application_is_not_exempt(app):
    exempt = gc.get_freeze_count()
    assert exempt > 0  # what was loaded before the tests (tests/conftest.py)

    create_app({"TESTING": True})

    assert gc.get_freeze_count() == exempt


def test_garbage_collection_goes_on_if_the_application_cannot_be_loaded(app):
    with pytest.raises(ValueError, match="dictionary"):
        create_app(["not a mapping"])

    assert gc.isenabled()
