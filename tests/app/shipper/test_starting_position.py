"""Continuing to follow a log after the token was replaced."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.shipper import follow
from app.shipper.client import DeviceError
from app.shipper.position import PositionStore
from tests.app.shipper.client_helpers import BUSY
from tests.app.shipper.eve_records import alert, text_of
from tests.app.shipper.follow_helpers import Script, add, nothing, run

GOING_ON = "Continuing where the run under the earlier token ended."


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "eve.json"


@pytest.fixture
def position(log: Path) -> Callable[[str], PositionStore]:
    """Return a function that returns the position store of a token."""
    return lambda token="token-1": PositionStore(log.parent / "shipper", log, token)


def rotate(log: Path) -> None:
    log.rename(log.with_name("eve.json.1"))


def ship_one_and_replace_the_token(portal: Any, log: Path) -> None:
    """Ship alert 1 under token-1, then replace it by the token "new"."""
    add(log, text_of(alert(1)))
    run(portal, log)
    portal.replace_token("token-1", "new")


def stored(portal: Any) -> list[int]:
    """Return the numbers of the stored alerts."""
    return sorted(int(line["suricata_flow_id"]) for line in portal.stored.values())


def test_what_was_added_before_rotation_is_sent_under_the_new_token(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    ship_one_and_replace_the_token(portal, log)
    add(log, text_of(alert(2)))
    with pytest.raises(DeviceError, match=r"A new one is made on the UTM's page\."):
        run(portal, log, nothing)
    add(log, text_of(alert(3)))
    rotate(log)
    add(log, text_of(alert(4)))
    messages: list[str] = []

    shipped, _ = run(portal, log, messages=messages, token="new")

    assert (stored(portal), shipped.records, shipped.sent.stored) == ([1, 2, 3, 4], 3, 3)
    assert (messages, portal.asked) == ([GOING_ON], ["new"])
    assert not position("token-1").file.exists()
    kept = json.loads(position("new").file.read_text())
    assert (kept["utm"], kept["offset"]) == ("a1b2c3d4e5f6", log.stat().st_size)
    assert run(portal, log, token="new")[0].records == 0
    assert portal.asked == ["new"], "the next run has a place of its own"


def test_a_first_run_does_not_ask_the_portal(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1)))
    portal.script = [BUSY]

    assert run(portal, log, *[nothing] * 3)[0].sent.stored == 1
    assert (portal.asked, [path for path, _ in portal.calls].count("/api/device/v1/alerts")) == ([], 2)


@pytest.mark.parametrize("line", [{"event_type": "dns"}, alert(2)], ids=["nothing is sent", "the portal tells no more"])
def test_the_utm_is_remembered_through_runs_that_are_not_told(
    portal: Any, log: Path, position: Callable[[str], PositionStore], line: dict[str, Any]
) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)
    portal.tells_utm = False
    add(log, text_of(line))
    run(portal, log)

    assert json.loads(position("token-1").file.read_text())["utm"] == "a1b2c3d4e5f6"


def test_another_utm_starts_at_the_beginning_and_keeps_the_position_of_the_first(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)
    before = position("token-1").file.read_text()
    messages: list[str] = []

    shipped, _ = run(portal, log, messages=messages, token="token-2")

    assert (shipped.sent.stored, messages) == (1, [])
    assert position("token-1").file.read_text() == before
    assert json.loads(position("token-2").file.read_text())["utm"] == "0a0b0c0d0e0f"


@pytest.mark.parametrize("line", [alert(1), {"event_type": "dns"}], ids=["an alert", "no alert"])
def test_a_position_without_confirmed_alerts_is_adopted_by_any_utm(
    portal: Any, log: Path, line: dict[str, Any]
) -> None:
    """After a run with a mistyped token, or of a log without alerts, the UTM is not known, and nothing was sent."""
    add(log, text_of(line))
    portal.script = [BUSY] * 3
    run(portal, log, nothing)
    portal.script = []
    add(log, text_of(alert(2)))
    rotate(log)
    add(log, text_of(alert(3)))
    messages: list[str] = []

    run(portal, log, messages=messages, token="token-2")

    assert stored(portal)[-2:] == [2, 3]
    assert messages == [GOING_ON]


def test_a_position_of_the_utm_precedes_one_without_confirmed_alerts(portal: Any, log: Path) -> None:
    portal.replace_token("token-1", "new")
    add(log, text_of(alert(1)))
    with pytest.raises(DeviceError):
        run(portal, log, nothing, token="mistyped")
    portal.tokens |= {"token-1"}
    with PositionStore(log.parent / "shipper", log, "mistyped") as mistyped:
        place = mistyped.load()
        mistyped.delete()
        run(portal, log)
        mistyped.save(place)

    assert run(portal, log, token="new")[0].records == 0
    assert mistyped.file.exists()


def test_a_position_of_an_older_version_is_not_adopted(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)
    old = json.loads(position("token-1").file.read_text())
    del old["utm"], old["answered"]
    position("token-1").file.write_text(json.dumps(old))
    messages: list[str] = []

    shipped, _ = run(portal, log, messages=messages, token="token-2")

    assert (shipped.records, messages, portal.asked) == (1, [], [])
    assert position("token-1").file.exists()


def test_an_older_portal_that_returns_no_utm_id_is_supported(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)
    portal.tells_utm = False
    portal.replace_token("token-1", "new")
    messages: list[str] = []

    shipped, _ = run(portal, log, messages=messages, token="new")

    assert (shipped.sent.duplicate, messages, portal.asked) == (1, [], ["new"])
    assert "utm" not in json.loads(position("new").file.read_text())


def test_a_position_confirmed_by_an_older_portal_is_not_adopted(portal: Any, log: Path) -> None:
    """Otherwise another UTM would not send the records before the position."""
    portal.tells_utm = False
    add(log, text_of(alert(1)))
    run(portal, log)
    portal.tells_utm = True

    assert run(portal, log, token="token-2")[0].sent.stored == 1


def test_a_position_in_use_is_not_adopted(portal: Any, log: Path, position: Callable[[str], PositionStore]) -> None:
    ship_one_and_replace_the_token(portal, log)
    messages: list[str] = []

    with position("token-1"):
        shipped, _ = run(portal, log, messages=messages, token="new")

    assert shipped.sent.duplicate == 1
    assert messages == ["A run under an earlier token of this UTM has not ended: its position is not taken over."]
    assert position("token-1").file.exists()


def test_the_oldest_of_several_positions_is_adopted(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)
    portal.replace_token("token-1", "second")
    with PositionStore(log.parent / "shipper", log, "token-1"):
        add(log, text_of(alert(2)))
        run(portal, log, token="second")
    portal.replace_token("second", "third")

    shipped, _ = run(portal, log, token="third")

    assert (shipped.records, shipped.sent.duplicate) == (1, 1)


def test_the_portal_is_waited_for_and_the_wait_can_be_ended(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    ship_one_and_replace_the_token(portal, log)
    add(log, text_of(alert(2)))
    rotate(log)
    add(log, text_of(alert(3)))
    portal.script = [BUSY] * 3
    messages: list[str] = []

    shipped, stop = run(portal, log, nothing, nothing, messages=messages, token="new")

    assert (shipped.records, stop.waits) == (0, [1, 2])
    assert messages == [f"The portal at {portal.url} answered 503; trying again."]
    assert not position("new").file.exists(), "or the next run would not look further"
    run(portal, log, *[nothing] * 4, token="new")
    assert stored(portal) == [1, 2, 3]


def test_an_unknown_token_adopts_no_position(portal: Any, log: Path, position: Callable[[str], PositionStore]) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)

    with pytest.raises(DeviceError, match="does not know this token"):
        run(portal, log, token="mistyped")
    assert position("token-1").file.exists()
    assert not position("mistyped").file.exists()


def test_a_position_is_not_lost_if_a_run_is_killed_while_adopting_it(
    portal: Any, log: Path, position: Callable[[str], PositionStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    ship_one_and_replace_the_token(portal, log)
    add(log, text_of(alert(2)))
    rotate(log)
    log.touch()

    class KilledError(BaseException):
        pass

    def kill(_store: PositionStore) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(PositionStore, "delete", kill)
        with pytest.raises(KilledError):
            run(portal, log, token="new")

    assert position("token-1").load() == position("new").load()
    assert run(portal, log, token="new")[0].sent.stored == 1


def test_a_position_is_also_found_in_a_compressed_rotated_file(portal: Any, log: Path) -> None:
    ship_one_and_replace_the_token(portal, log)
    add(log, text_of(alert(2)))
    log.with_name("eve.json.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    add(log, text_of(alert(3)))

    run(portal, log, nothing, token="new")

    assert stored(portal) == [1, 2, 3]
