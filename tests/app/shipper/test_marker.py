"""``pytest -m shipper`` runs the tests of the shipper and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def test_the_tests_of_this_folder_are_marked_and_no_others(request: pytest.FixtureRequest) -> None:
    marked = {item.nodeid for item in request.session.items if item.get_closest_marker("shipper")}

    assert marked == {item.nodeid for item in request.session.items if item.path.is_relative_to(FOLDER)}
    assert request.node.nodeid in marked
