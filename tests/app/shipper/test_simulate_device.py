"""The command ``utm simulate``: boots and commands of the simulated UTMs, and their hourly counts."""

from __future__ import annotations

import time as time_module
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.shipper.command import utm

pytestmark = pytest.mark.usefixtures("alone")
Table = Callable[[Result], dict[str, str]]
NOW = datetime(2026, 11, 22, 3, 4, 5, 678901, UTC)
REBOOT = {"id": 7, "type": "reboot"}


@pytest.fixture
def waits(clock: Any, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the clock of the command advance at once; return the waits."""
    found: list[float] = []

    def sleep(seconds: float) -> None:
        found.append(seconds)
        clock.at += timedelta(seconds=seconds)

    monkeypatch.setattr(time_module, "sleep", sleep)
    return found


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens.json"
    file.write_text('{"U0001": "token-1"}')
    return file


def simulate(portal: Any, tokens: Path, *args: str) -> Result:
    return CliRunner().invoke(utm, ["simulate", "--url", portal.url, "--tokens", str(tokens), *args])


def boots(portal: Any) -> list[datetime]:
    """The times in the IDs of the boots."""
    return [datetime.fromtimestamp(int(body["boot_id"]), UTC) for _, body in portal.heartbeats]


def states(portal: Any) -> list[tuple[str, str]]:
    return [(command, result["state"]) for _, command, result in portal.command_results]


def test_a_utm_that_is_rebooted_is_silent_and_comes_back_with_a_new_boot(
    portal: Any, tokens: Path, waits: list[float], table: Table
) -> None:
    portal.commands = [REBOOT]
    result = simulate(portal, tokens, "--once", "--reboot-seconds", "30")

    assert result.exit_code == 0
    calls = [path.removeprefix("/api/device/v1/") for path, _ in portal.calls]
    assert calls == ["heartbeat", "alerts", "threat-stats", "commands/7/result", "heartbeat", "commands/7/result"]
    assert waits == [30]
    assert [(command, body) for _, command, body in portal.command_results] == [
        ("7", {"state": "started", "at": "2026-11-22T03:04:05+00:00"}),
        ("7", {"state": "succeeded", "at": "2026-11-22T03:04:35+00:00"}),
    ]
    first, second = boots(portal)
    assert timedelta(hours=1) < NOW - first < timedelta(hours=400)
    assert second == datetime(2026, 11, 22, 3, 4, 35, tzinfo=UTC)
    assert table(result).items() >= {"heartbeats": "2", "commands": "1", "succeeded": "1"}.items()


@pytest.mark.usefixtures("waits")
def test_a_command_is_carried_out_once_and_one_after_another(portal: Any, tokens: Path, table: Table) -> None:
    portal.commands = [REBOOT, REBOOT, {"id": 8, "type": "reboot"}, {"id": "a/b", "type": "dance"}]
    result = simulate(portal, tokens, "--minutes", "3", "--rate", "60")

    assert states(portal) == [
        ("7", "started"), ("7", "succeeded"), ("8", "started"), ("8", "succeeded"), ("a%2Fb", "failed")
    ]  # fmt: skip
    assert table(result).items() >= {"commands": "3", "succeeded": "2", "failed": "1"}.items()
    assert len(set(boots(portal))) == 3
    times = sorted(datetime.fromisoformat(time) for _, _, time in portal.stored)
    assert max(later - earlier for earlier, later in pairwise(times)) < timedelta(seconds=25)
    assert len({alert_id for _, alert_id, _ in portal.stored}) == len(portal.stored)


@pytest.mark.usefixtures("waits")
def test_a_command_that_the_portal_has_withdrawn_is_not_carried_out(
    portal: Any, tokens: Path, monkeypatch: pytest.MonkeyPatch, table: Table
) -> None:
    portal.commands = [REBOOT]
    real = portal._answer
    monkeypatch.setattr(portal, "_answer", lambda path, *rest: (404, {}) if "commands" in path else real(path, *rest))
    result = simulate(portal, tokens, "--minutes", "2")

    assert (result.exit_code, table(result)["commands"], len(set(boots(portal)))) == (0, "0", 1)


@pytest.mark.usefixtures("waits")
def test_reboots_may_fail(portal: Any, tokens: Path, table: Table) -> None:
    portal.commands = [REBOOT]
    result = simulate(portal, tokens, "--minutes", "2", "--failing-reboots", "1")

    assert states(portal) == [("7", "started"), ("7", "failed")]
    assert portal.command_results[1][2]["message"] == "An update is being installed."
    assert len(set(boots(portal))) == 1
    assert (result.exit_code, table(result)["failed"]) == (0, "1")


@pytest.mark.usefixtures("waits")
def test_a_result_that_did_not_arrive_is_sent_again(portal: Any, tokens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    portal.commands = [REBOOT]
    real, failing = portal._answer, iter([(503, {})] * 2)

    def answer(path: str, headers: dict[str, str], body: bytes) -> Any:
        lost = next(failing, None) if b"succeeded" in body else None
        return lost or real(path, headers, body)

    monkeypatch.setattr(portal, "_answer", answer)
    result = simulate(portal, tokens, "--minutes", "3")

    assert result.exit_code == 1
    assert states(portal) == [("7", "started"), ("7", "succeeded")]


@pytest.mark.usefixtures("waits")
def test_the_counts_are_those_of_the_alerts(portal: Any, tokens: Path, table: Table) -> None:
    result = simulate(portal, tokens, "--minutes", "70", "--rate", "3")

    expected = Counter(
        (line["time"][:13] + ":00:00+00:00", line["type"], line.get("cname") or line.get("atype") or "unknown")
        for line in portal.stored.values()
    )
    assert {key[1:]: number for key, number in portal.threat_stats.items()} == expected
    assert len({hour for hour, _, _ in expected}) == 2
    assert int(table(result)["hourly counts"].replace(",", "")) > len(expected), "changed counts are sent again"


@pytest.mark.parametrize(
    ("fault", "posts"),
    [
        ("twice", {"heartbeat": 1, "alerts": 2, "threat-stats": 2}),
        ("restart", {"heartbeat": 2, "alerts": 2, "threat-stats": 2}),
        ("slow", {"heartbeat": 1, "alerts": 1, "threat-stats": 1}),
    ],
)
@pytest.mark.usefixtures("waits")
def test_a_fault_concerns_all_calls(portal: Any, tokens: Path, fault: str, posts: dict[str, int]) -> None:
    result = simulate(portal, tokens, "--once", "--faults", fault, "--rate", "20")

    assert result.exit_code == 0, result.output
    assert Counter(path.removeprefix("/api/device/v1/") for path, _ in portal.calls) == posts
    assert len(portal.stored) == sum(portal.threat_stats.values()) == 20
    assert len(set(boots(portal))) == (2 if fault == "restart" else 1)


def test_a_portal_that_takes_broken_counts_is_shown(portal: Any, tokens: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal, "_take_counts", lambda _, lines: {"stored": len(lines), "rejected": []})
    result = simulate(portal, tokens, "--once", "--faults", "broken")

    assert result.exit_code == 1
    assert "0 hourly counts rejected, where 3 were expected" in result.output


@pytest.mark.usefixtures("waits")
def test_the_seed_decides_boots_and_failures(portal: Any, tokens: Path) -> None:
    portal.commands = [{"id": number, "type": "reboot"} for number in range(6)]
    played = []
    for seed in ("1", "1", "2"):
        portal.heartbeats.clear()
        portal.command_results.clear()
        simulate(portal, tokens, "--once", "--seed", seed, "--failing-reboots", "0.5")
        first = NOW - boots(portal)[0]
        played.append((first.total_seconds(), [result["state"] for _, _, result in portal.command_results]))

    assert played[0][1] == played[1][1]
    assert played[0] != played[2]
