"""What loading the application does to its process."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app import create_app

ROOT = Path(__file__).parents[2]
LOAD = """
import gc, json, sys
from app import create_app

create_app()
print(json.dumps({"collects": gc.isenabled(), "exempt": gc.get_freeze_count(), "modules": list(sys.modules)}))
"""


@pytest.fixture(scope="module")
def loaded(service_env) -> dict[str, Any]:
    """What a process is like that has loaded the application and nothing else."""
    loading = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, env=service_env, capture_output=True, text=True, check=False
    )
    assert loading.returncode == 0, loading.stderr
    return json.loads(loading.stdout)


def test_the_loaded_application_is_exempt_from_garbage_collection(loaded):
    assert loaded["collects"]
    assert loaded["exempt"] > 100_000


def test_without_the_setting_nothing_of_opentelemetry_is_loaded(loaded):
    # redis loads a part of the API where it is installed.
    ours = (
        "opentelemetry.instrumentation",
        "opentelemetry.exporter",
        "opentelemetry.sdk.trace",
        "app.tracing",
    )
    assert [each for each in loaded["modules"] if each.startswith(ours)] == []


def test_a_second_application_is_not_exempt(app):
    exempt = gc.get_freeze_count()
    assert exempt > 0  # what was loaded before the tests (tests/conftest.py)

    create_app({"TESTING": True})

    assert gc.get_freeze_count() == exempt


def test_garbage_collection_goes_on_if_the_application_cannot_be_loaded(app):
    with pytest.raises(ValueError, match="dictionary"):
        create_app(["not a mapping"])

    assert gc.isenabled()
