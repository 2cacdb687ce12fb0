"""Names of fields that no page contains do not stop a form with rows."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("place", ["²", "9" * 5_000, "-1", "", "٣"])
def test_a_row_whose_number_is_none_is_ignored(operator, place):
    answer = operator.post("/tenant-settings/", data={f"origins-{place}": "x", f"links-{place}-name": "x"})

    assert answer.status_code == 422
    assert 'value="x"' not in answer.text
