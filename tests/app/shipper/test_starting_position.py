"""A log goes on to be followed under the token that replaced another."""

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
from tests.app.shipper.eve_records import alert, text_of
from tests.app.shipper.follow_helpers import Script, add, nothing, run

BUSY: tuple[int, dict[str, str], bytes] = (503, {}, b"")
GOING_ON = "Going on where the run under the earlier token ended."


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "eve.json"


@pytest.fixture
def position(log: Path) -> Callable[[str], PositionStore]:
    """The position that a token left."""
    return lambda token="token-1": PositionStore(log.parent / "shipper", log, token)


def rotate(log: Path) -> None:
    log.rename(log.with_name("eve.json.1"))


def ship_one_and_replace_the_token(portal: Any, log: Path) -> None:
    """Ship alert 1 under token-1, which then gives way to the token "new"."""
    add(log, text_of(alert(1)))
    run(portal, log)
    portal.replace_token("token-1", "new")


def stored(portal: Any) -> list[int]:
    """The numbers of the alerts that the portal has."""
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
    said: list[str] = []

    shipped, _ = run(portal, log, said=said, token="new")

    assert (stored(portal), shipped.records, shipped.sent.stored) == ([1, 2, 3, 4], 3, 3)
    assert (said, portal.asked) == ([GOING_ON], ["new"])
    assert not position("token-1").file.exists()
    kept = json.loads(position("new").file.read_text())
    assert (kept["utm"], kept["offset"]) == ("a1b2c3d4e5f6", log.stat().st_size)
    assert run(portal, log, token="new")[0].records == 0
    assert portal.asked == ["new"], "the next run has a place of its own"


def test_a_first_run_asks_nothing(portal: Any, log: Path) -> None:
    add(log, text_of(alert(1)))
    portal.script = [BUSY]

    assert run(portal, log, *[nothing] * 3)[0].sent.stored == 1
    assert (portal.asked, len(portal.calls)) == ([], 2)


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


def test_another_utm_begins_at_the_start_and_leaves_the_place_of_the_first(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)
    before = position("token-1").file.read_text()
    said: list[str] = []

    shipped, _ = run(portal, log, said=said, token="token-2")

    assert (shipped.sent.stored, said) == (1, [])
    assert position("token-1").file.read_text() == before
    assert json.loads(position("token-2").file.read_text())["utm"] == "0a0b0c0d0e0f"


@pytest.mark.parametrize("line", [alert(1), {"event_type": "dns"}], ids=["an alert", "no alert"])
def test_a_place_that_the_portal_never_heard_of_is_taken_over(portal: Any, log: Path, line: dict[str, Any]) -> None:
    """A run with a mistyped token, or one of a log without alerts: whose it was is not known, and nothing before it was sent."""
    add(log, text_of(line))
    portal.script = [BUSY] * 3
    run(portal, log, nothing)
    portal.script = []
    add(log, text_of(alert(2)))
    rotate(log)
    add(log, text_of(alert(3)))
    said: list[str] = []

    run(portal, log, said=said, token="token-2")

    assert stored(portal)[-2:] == [2, 3]
    assert said == [GOING_ON]


def test_the_place_of_the_utm_itself_comes_before_one_that_the_portal_never_heard_of(portal: Any, log: Path) -> None:
    portal.replace_token("token-1", "new")
    add(log, text_of(alert(1)))
    with pytest.raises(DeviceError):
        run(portal, log, nothing, token="mistyped")
    portal.tokens |= {"token-1"}
    with PositionStore(log.parent / "shipper", log, "mistyped") as mistyped:
        place = mistyped.load()
        mistyped.forget()
        run(portal, log)
        mistyped.save(place)

    assert run(portal, log, token="new")[0].records == 0
    assert mistyped.file.exists()


def test_what_an_older_version_wrote_is_not_taken_over(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)
    old = json.loads(position("token-1").file.read_text())
    del old["utm"], old["answered"]
    position("token-1").file.write_text(json.dumps(old))
    said: list[str] = []

    shipped, _ = run(portal, log, said=said, token="token-2")

    assert (shipped.records, said, portal.asked) == (1, [], [])
    assert position("token-1").file.exists()


def test_an_older_portal_that_tells_no_utm_is_no_error(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)
    portal.tells_utm = False
    portal.replace_token("token-1", "new")
    said: list[str] = []

    shipped, _ = run(portal, log, said=said, token="new")

    assert (shipped.sent.duplicate, said, portal.asked) == (1, [], ["new"])
    assert "utm" not in json.loads(position("new").file.read_text())


def test_a_place_that_an_older_portal_answered_for_is_nobodys(portal: Any, log: Path) -> None:
    """Another UTM that went on there would not send what is before it."""
    portal.tells_utm = False
    add(log, text_of(alert(1)))
    run(portal, log)
    portal.tells_utm = True

    assert run(portal, log, token="token-2")[0].sent.stored == 1


def test_a_place_that_a_run_still_has_is_left_to_it(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    ship_one_and_replace_the_token(portal, log)
    said: list[str] = []

    with position("token-1"):
        shipped, _ = run(portal, log, said=said, token="new")

    assert shipped.sent.duplicate == 1
    assert said == ["A run under an earlier token of this UTM has not ended: its place is left to it."]
    assert position("token-1").file.exists()


def test_of_several_places_of_a_utm_the_oldest_is_taken(portal: Any, log: Path) -> None:
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
    said: list[str] = []

    shipped, stop = run(portal, log, nothing, nothing, said=said, token="new")

    assert (shipped.records, stop.waits) == (0, [1, 2])
    assert said == [f"The portal at {portal.url} answered 503; trying again."]
    assert not position("new").file.exists(), "or the next run would not look further"
    run(portal, log, *[nothing] * 4, token="new")
    assert stored(portal) == [1, 2, 3]


def test_a_token_that_the_portal_does_not_know_takes_nothing(
    portal: Any, log: Path, position: Callable[[str], PositionStore]
) -> None:
    add(log, text_of(alert(1)))
    run(portal, log)

    with pytest.raises(DeviceError, match="does not know this token"):
        run(portal, log, token="mistyped")
    assert position("token-1").file.exists()
    assert not position("mistyped").file.exists()


def test_a_run_that_is_killed_while_it_takes_a_place_over_loses_none(
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
        patch.setattr(PositionStore, "forget", kill)
        with pytest.raises(KilledError):
            run(portal, log, token="new")

    assert position("token-1").load() == position("new").load()
    assert run(portal, log, token="new")[0].sent.stored == 1


def test_a_place_is_also_found_in_a_file_that_rotation_compressed(portal: Any, log: Path) -> None:
    ship_one_and_replace_the_token(portal, log)
    add(log, text_of(alert(2)))
    log.with_name("eve.json.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    add(log, text_of(alert(3)))

    run(portal, log, nothing, token="new")

    assert stored(portal) == [1, 2, 3]
