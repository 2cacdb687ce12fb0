"""What gunicorn.conf.py does in a web process."""

from __future__ import annotations

import gc
import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_loaded_application_is_exempt_from_garbage_collection(monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # which loading the file changes
    spec = importlib.util.spec_from_file_location("gunicorn_settings", ROOT / "gunicorn.conf.py")
    settings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(settings)
    # Tests are run with what is loaded exempt (tests/conftest.py).
    gc.unfreeze()

    settings.post_worker_init(None)

    assert gc.get_freeze_count() > 100_000
