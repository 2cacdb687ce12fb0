"""The command ``utm simulate``."""

from __future__ import annotations

import ipaddress
import json
import time as time_module
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.shipper.client import DeviceClient
from app.shipper.command import utm
from app.shipper.fleet import Fleet, SimulatedUtm

pytestmark = pytest.mark.usefixtures("alone")
Table = Callable[[Result], dict[str, str]]
NOW = datetime(2026, 11, 22, 3, 4, 5, 678901, UTC)


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens.json"
    file.write_text('{"U0001": "token-1", "U0002": "token-2"}')
    return file


def simulate(portal: Any, tokens: Path, *args: str) -> Result:
    return CliRunner().invoke(utm, ["simulate", "--url", portal.url, "--tokens", str(tokens), *args])


def test_a_utm_that_gets_a_command_is_in_another_boot_at_its_next_heartbeat(portal: Any) -> None:
    started = datetime(2026, 11, 29, tzinfo=UTC)
    fleet = Fleet([SimulatedUtm("U0001", DeviceClient(portal.url, "token-1"), seed=1, started=started)], rate=0)

    for commands in ([{"id": "1", "type": "reboot"}], [], []):
        portal.commands = commands
        fleet.tick(started, 60)

    first, second, third = (body["boot_id"] for _, body in portal.heartbeats)
    assert first != second == third


@pytest.mark.usefixtures("clock")
def test_a_fleet_is_simulated_once(portal: Any, tokens: Path, table: Table) -> None:
    portal.commands = [{"id": 1, "type": "reboot"}]
    result = simulate(portal, tokens, "--once", "--rate", "20")

    assert result.exit_code == 0
    counts = {
        "UTMs": "2",
        "heartbeats": "2",
        "commands waiting": "2",
        "failed calls": "0",
        "stored": "40",
        "duplicate": "0",
        "rejected": "0",
    }
    assert table(result).items() >= counts.items()
    assert [token for token, _ in portal.heartbeats] == ["token-1", "token-2"]
    assert all(
        body["version"] == "1.4.4" and ipaddress.ip_address(body["ip"]).is_private for _, body in portal.heartbeats
    )
    assert len({body["mac"] for _, body in portal.heartbeats}) == 2
    kinds = {"url_filter": 8, "app_guard": 5, "ips": 3, "web_guard": 2, "antivirus": 2}
    for token in ("token-1", "token-2"):
        assert Counter(line["type"] for (owner, _, _), line in portal.stored.items() if owner == token) == kinds
    times = [datetime.fromisoformat(time) for _, _, time in portal.stored]
    assert NOW - timedelta(minutes=1) <= min(times) <= max(times) <= NOW
    assert {alert_id for token, alert_id, _ in portal.stored if token == "token-1"} == {
        f"1795316645-{n}" for n in range(1, 21)
    }


@pytest.mark.usefixtures("clock")
def test_the_seed_decides_the_alerts(portal: Any, tokens: Path) -> None:
    played = []
    for seed in ("1", "1", "2"):
        portal.stored.clear()
        simulate(portal, tokens, "--once", "--seed", seed)
        played.append(dict(portal.stored))

    assert played[0] == played[1] != played[2]
    assert len(played[0]) == 10


@pytest.mark.usefixtures("clock")
def test_simulated_alerts_use_reserved_names_and_addresses(portal: Any, tokens: Path) -> None:
    simulate(portal, tokens, "--once", "--rate", "400")
    documentation = [ipaddress.ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]

    assert len(portal.stored) == 800
    for line in portal.stored.values():
        assert ipaddress.ip_address(line["src-ip"]) in ipaddress.ip_network("192.168.0.0/16")
        assert any(ipaddress.ip_address(line["dst-ip"]) in network for network in documentation)
        if "url" in line:
            assert line["url"].split("/")[2].endswith(".example")
        assert line["alert_severity"] in {"high", "low"}
        assert line["act"] in {"pass", "block"}


def test_parts_of_an_alert_are_carried_over() -> None:
    utm = SimulatedUtm("U0001", None, seed=1, started=NOW)  # type: ignore[arg-type]
    counts = [len(utm.alerts(2, NOW + timedelta(seconds=10 * number), 10)) for number in range(12)]

    assert sum(counts) == 4
    assert max(counts) == 1


def test_a_simulation_has_the_given_duration(
    portal: Any, tokens: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.at += timedelta(seconds=seconds)

    monkeypatch.setattr(time_module, "sleep", sleep)
    result = simulate(portal, tokens, "--minutes", "2.5", "--rate", "6")

    assert result.exit_code == 0
    assert waits == [60, 60, 30]
    assert len(portal.heartbeats) == 8
    assert len(portal.stored) == 2 * 6 * 3.5, "the minute before, and the time of the play"


def test_ctrl_c_ends_a_simulation_with_its_table(
    portal: Any, tokens: Path, monkeypatch: pytest.MonkeyPatch, table: Table
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time_module, "sleep", interrupt)
    result = simulate(portal, tokens)

    assert (result.exit_code, table(result)["heartbeats"]) == (0, "2")


def test_one_wrong_token_does_not_stop_the_others(portal: Any, tokens: Path, table: Table) -> None:
    portal.tokens = {"token-2"}
    result = simulate(portal, tokens, "--once")

    assert result.exit_code == 1
    assert table(result).items() >= {"heartbeats": "1", "failed calls": "1", "stored": "5"}.items()
    assert "  U0001: The portal does not know this token (401)" in result.output


def test_how_many_problems_of_a_fleet_are_not_listed_is_reported(portal: Any, tmp_path: Path, table: Table) -> None:
    tokens = {f"U{number:04}": f"wrong-{number}" for number in range(12)} | {"U9999": "token-1"}
    (tmp_path / "tokens.json").write_text(json.dumps(tokens))
    result = simulate(portal, tmp_path / "tokens.json", "--once")

    assert (result.exit_code, table(result)["failed calls"]) == (1, "12")
    assert result.output.count("does not know this token") == 10
    assert "\n  and 2 more\n" in result.output


def test_a_simulation_continues_after_a_restart_of_the_portal(
    portal: Any, tokens: Path, clock: Any, monkeypatch: pytest.MonkeyPatch, table: Table
) -> None:
    def sleep(seconds: float) -> None:
        clock.at += timedelta(seconds=seconds)
        if clock.at == NOW + timedelta(minutes=1):
            portal.script = [(503, {}, b"")] * 4

    monkeypatch.setattr(time_module, "sleep", sleep)
    result = simulate(portal, tokens, "--minutes", "2", "--rate", "1")

    assert result.exit_code == 1
    assert table(result).items() >= {"heartbeats": "4", "failed calls": "2"}.items()


@pytest.mark.parametrize("option", ["--rate", "--minutes"])
@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e300", "1e9", "-1", "x"])
def test_a_number_that_is_none_or_too_large_is_reported_in_one_sentence(
    portal: Any, tokens: Path, option: str, number: str
) -> None:
    result = simulate(portal, tokens, option, number)

    assert (result.exit_code, result.stdout, portal.calls) == (2, "", [])
    assert result.stderr.splitlines()[-1].startswith(f"Error: Invalid value for '{option}': ")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{}", "no UTM in the tokens file"),
        ("[]", "is not a JSON object"),
        ("x", "cannot be read"),
        ('{"U0001": 7}', "is not a JSON object"),
    ],
)
def test_an_invalid_tokens_file_is_reported(portal: Any, tokens: Path, content: str, text: str) -> None:
    tokens.write_text(content)
    result = simulate(portal, tokens, "--once")

    assert (result.exit_code, text in result.output) == (2, True)


def test_once_and_minutes_exclude_each_other(portal: Any, tokens: Path) -> None:
    assert simulate(portal, tokens, "--once", "--minutes", "1").exit_code == 2
    portal.tokens = set()
    assert simulate(portal, tokens, "--once").exit_code == 2, "not one UTM got through"
