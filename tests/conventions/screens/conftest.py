"""A screen and what tests of all screens do with it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from tests.conventions.screens.cases import Case


@pytest.fixture
def case(request, app, make, signed_in) -> Case:
    """The screen a test is run with (``@screens(...)``)."""
    return Case(app, make, signed_in, request.param)


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Call functions at the same moment, each in a thread of its own, and return what they return."""

    def run(functions: list[Callable[[], Any]]) -> list[Any]:
        together = Barrier(len(functions))

        def one(function: Callable[[], Any]) -> Any:
            together.wait(timeout=30)
            return function()

        with ThreadPoolExecutor(len(functions)) as pool:
            return list(pool.map(one, functions))

    return run
