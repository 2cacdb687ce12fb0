"""Nothing a line holds stops the lines beside it: what is taken as an alert, the database can store."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.support.alerts import line

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def utm(ours):
    return ours.utm


def nested(depth: int) -> bytes:
    return b'{"alert_id": "1-1", "time": "2026-11-22T03:00:00Z", "type": "ips", "act": "pass", "x": %s%s}' % (
        b"[" * depth,
        b"]" * depth,
    )


@pytest.mark.parametrize("depth", [10, 100, 900, 4_000])
def test_a_deeply_nested_line_never_stops_the_line_beside_it(arrive, utm, depth):
    receipt = arrive(utm, [(1, nested(depth)), (2, line(2, at=NOW))])

    assert receipt.stored + receipt.rejected_count == 2
    assert receipt.stored >= 1


@pytest.mark.parametrize(
    "value",
    ["\\", "\\.", "\\N", "\t\r\n\b", "{NULL}", '"', "'", "\x7f\x85\u2028\ufeff\ufffe", "😀", "\\u0000", "a" * 255],
)
def test_any_text_is_stored_as_it_came(make, arrive, utm, value):
    arrive(utm, [(1, line(at=NOW, msg=value, note=value))])

    assert make.session.execute(text("SELECT msg, extra ->> 'note' FROM alert")).one() == (value, value)


@pytest.mark.parametrize("value", [0, -1.5, 1e300, 10**4000, True, None, [], {"": [{"": None}]}, "1e400"], ids=type)
def test_any_value_of_an_unknown_key_is_stored(arrive, utm, value):
    receipt = arrive(utm, [(1, line(at=NOW, note=value))])

    assert (receipt.stored, receipt.rejected) == (1, [])


TEXTS = st.text(max_size=20)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3))
KEYS = st.sampled_from(["alert_id", "time", "act", "src-ip", "dst-port", "msg", "url", "date"]) | TEXTS
LINES = st.dictionaries(KEYS, VALUES, max_size=5).map(lambda values: json.dumps(json.loads(line(at=NOW)) | values))


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(found=st.lists(LINES.map(str.encode) | st.binary(max_size=40), max_size=20))
def test_every_line_is_stored_a_duplicate_or_refused(arrive, utm, found):
    receipt = arrive(utm, [*enumerate(found, 1), (99, line(99, at=NOW))])

    assert receipt.received == len(found) + 1
    assert receipt.stored + receipt.duplicate + receipt.rejected_count == len(found) + 1
    assert 99 not in dict(receipt.rejected)
