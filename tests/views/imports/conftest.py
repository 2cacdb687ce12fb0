from __future__ import annotations

import pytest

from jobs import imports as import_jobs
from tests.views.imports.files import run_key, upload


@pytest.fixture
def run_jobs(app):
    def run():
        with app.app_context():
            import_jobs.run_waiting()

    return run


@pytest.fixture
def imported(operator, run_jobs):
    """Import a file to its end, and return the key of the import."""

    def do(data: bytes) -> int:
        key = run_key(upload(operator, data))
        operator.post(f"/customers/import/{key}/start")
        run_jobs()
        return key

    return do


@pytest.fixture
def sold(make):
    """A product with a UTM and a plan of 6,600 yen."""
    return make.rate_plan(product=make.product(name="見守り"), name="月額", price=6600)
