"""Following a log: what is sent, when positions are saved, and the counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.shipper import follow
from app.shipper.adapters.suricata import SURICATA
from app.shipper.client import DeviceClient, DeviceError
from app.shipper.position import PositionStore
from app.shipper.shipping import LogFiles, ShippingResult, ship
from tests.app.shipper.client_helpers import BUSY
from tests.app.shipper.eve_records import alert, text_of
from tests.app.shipper.follow_helpers import Script, add, nothing, run


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "eve.json"


def counts_add_up(shipped: ShippingResult) -> bool:
    sent = shipped.sent
    return (
        shipped.records == shipped.alerts + shipped.skipped.total() + shipped.unreadable
        and shipped.alerts == sent.sent + shipped.not_sent
        and sent.sent == sent.stored + sent.duplicate + sent.rejected
    )


def test_existing_records_are_sent_and_then_added_ones(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1), {"event_type": "dns"}, alert(2)))

    shipped, _ = run(portal, log, nothing, lambda: add(log, text_of(alert(3))), nothing)

    assert portal.batches == [2, 1]
    assert (shipped.records, shipped.alerts, shipped.sent.stored) == (4, 3, 3)
    assert counts_add_up(shipped)


def test_the_next_run_sends_only_what_is_new(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1), alert(2)))
    run(portal, log)
    add(log, text_of(alert(3)))

    shipped, _ = run(portal, log)
    assert (portal.batches, shipped.records) == ([2, 1], 1)
    shipped, _ = run(portal, log)
    assert (portal.batches, shipped.records) == ([2, 1], 0)


def test_unconfirmed_alerts_are_sent_again(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1), alert(2)))
    portal.script = [BUSY] * 3

    shipped, _ = run(portal, log, nothing)

    assert (shipped.alerts, shipped.sent.sent, shipped.not_sent) == (2, 0, 2)
    assert counts_add_up(shipped)
    portal.script = []
    shipped, _ = run(portal, log)
    assert (shipped.sent.stored, shipped.not_sent) == (2, 0)


def test_an_unavailable_portal_is_retried_and_reported_once(portal: Any, log: Path) -> None:
    messages: list[str] = []
    add(log, text_of(alert(1)))
    portal.script = [BUSY, (0, {}, b""), (429, {"Retry-After": "7"}, b""), BUSY]

    shipped, stop = run(portal, log, *[nothing] * 6, messages=messages)

    assert stop.waits[1:5] == [1, 2, 7, 8]
    assert messages == [
        f"The portal at {portal.url} answered 503; trying again.",
        f"The portal at {portal.url} answers again.",
    ]
    assert shipped.sent.stored == 1


def test_a_portal_that_refuses_ends_it_and_nothing_is_lost(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1)))
    portal.tokens = set()
    with pytest.raises(DeviceError, match="does not know this token"):
        run(portal, log, nothing)

    portal.tokens = {"token-1"}
    assert run(portal, log)[0].sent.stored == 1


def test_unreadable_lines_are_counted_and_skipped(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1)) + "garbage\n\n" + '{"event_type": "alert", "alert": {}}\n' + "17\n")
    add(log, '{"m": "日本}\n'.encode("shift_jis") + b"{}\r\n" + b"[" * 50_000 + b"\n" + b"x" * 5_000_000 + b"\n")
    add(log, text_of(alert(2), alert(3) | {"alert": {"action": "refuse-me"}}) + '{"event_type": "al')

    shipped, _ = run(portal, log)

    counts = (shipped.records, shipped.alerts, shipped.skipped.total(), shipped.unreadable)
    assert counts == (10, 3, 1, 6)
    assert (shipped.sent.sent, shipped.sent.stored, shipped.sent.rejected) == (3, 2, 1)
    assert counts_add_up(shipped)
    begin = len(text_of(alert(1)).encode())
    assert shipped.problems == [
        f"eve.json at byte {begin}: not JSON (Expecting value)",
        f"eve.json at byte {begin + 9}: no valid timestamp",
        f"eve.json at byte {begin + 46}: not a JSON object",
        f"eve.json at byte {begin + 49}: not JSON (Unterminated string starting at)",
        f"eve.json at byte {begin + 66}: nested too deeply",
        f"eve.json at byte {begin + 50_067:,}: longer than 1,048,576 characters",
    ]


def test_a_backlog_goes_out_in_batches_and_is_remembered_after_each(
    portal: Any, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(log, text_of(*(alert(number) for number in range(12_000))))
    places: list[int] = []
    save = PositionStore.save
    monkeypatch.setattr(
        PositionStore, "save", lambda self, position: (places.append(position.offset), save(self, position))
    )

    shipped, _ = run(portal, log)

    assert portal.batches == [5000, 5000, 2000]
    assert (places[0], len(places), places[-1]) == (0, 4, log.stat().st_size)
    assert shipped.sent.stored == 12_000


def test_lines_without_alerts_are_remembered_too(portal: Any, log: Path) -> None:
    add(log, text_of({"event_type": "dns"}))
    run(portal, log, nothing)

    assert (portal.calls, run(portal, log)[0].records) == ([], 0)


def test_identical_records_are_two_alerts_also_across_runs_and_ids_are_those_of_the_whole_log(
    portal: Any, log: Path
) -> None:
    twice = alert(1)
    for _ in range(3):
        add(log, text_of(twice))
        run(portal, log)
    ids = {alert_id for _, alert_id, _ in portal.stored}
    assert len(ids) == 3

    shipped = ShippingResult()
    with DeviceClient(portal.url, "token-1") as client:
        ship(LogFiles(SURICATA, [log]), client, shipped)
    assert (shipped.sent.stored, shipped.sent.duplicate) == (0, 3)


def test_a_rotated_log_is_sent_to_its_end(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1)))

    def rotate() -> None:
        add(log, text_of(alert(2)))
        log.rename(log.with_name("eve.json.1"))
        add(log, text_of(alert(3)))

    shipped, _ = run(portal, log, rotate, nothing)
    assert shipped.sent.stored == 3
    assert run(portal, log)[0].records == 0


some_records = st.lists(
    st.one_of(
        st.integers(0, 5).map(alert),
        st.just({"event_type": "dns", "m": "名前😀"}),
        st.just({"event_type": "alert", "alert": {}}),
    ),
    max_size=12,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(records=some_records, data=st.data())
def test_any_growth_of_a_log_gives_the_same_alerts(
    portal: Any, tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], data: st.DataObject
) -> None:
    """The log grows at arbitrary offsets and runs end in between; compared with one run over the complete log."""
    whole = text_of(*records).encode()
    log = tmp_path_factory.mktemp("log") / "eve.json"
    log.touch()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    portal.stored.clear()
    total = ShippingResult()
    while pieces:
        steps = [pieces.pop(0) for _ in range(data.draw(st.integers(1, len(pieces))))]
        shipped, _ = run(portal, log, *[lambda piece=piece: add(log, piece) for piece in steps], nothing)
        assert counts_add_up(shipped)
        total.alerts += shipped.alerts
        total.unreadable += shipped.unreadable
    grown = set(portal.stored)
    portal.stored.clear()
    once = ShippingResult()
    with DeviceClient(portal.url, "token-1") as client:
        ship(LogFiles(SURICATA, [log]), client, once)

    assert grown == set(portal.stored)
    assert (total.alerts, total.unreadable) == (once.alerts, once.unreadable)
    assert len(grown) == sum(bool(record.get("timestamp")) for record in json.loads(json.dumps(records)))
