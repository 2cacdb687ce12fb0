"""The command ``utm simulate --faults``: faults and their outcomes."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from app.shipper.command import utm
from app.shipper.faults import FAULTS, NO_FAULT, FaultSchedule
from models import clock as portal_clock
from models.actor import SYSTEM
from models.utms import device_token

pytestmark = pytest.mark.usefixtures("alone")
Row = dict[str, str]


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens.json"
    file.write_text('{"U0001": "token-1", "U0002": "token-2"}')
    return file


def simulate(url: str, tokens: Path, *args: str) -> Result:
    return CliRunner().invoke(utm, ["simulate", "--url", url, "--tokens", str(tokens), *args])


def faults_of(result: Result) -> dict[str, Row]:
    """Return the rows of the table of faults, by fault."""
    titles = ["times", "sent", "stored", "duplicate", "rejected"]
    found = re.findall(r"^  (\w+) +((?:[\d,]+ +){5}) +(.*)$", result.output, re.MULTILINE)
    return {
        name: dict(zip(titles, numbers.split(), strict=True)) | {"verdict": verdict} for name, numbers, verdict in found
    }


def test_each_fault_occurs_once_before_any_is_repeated() -> None:
    schedule = FaultSchedule(FAULTS, 0, random.Random(1))
    dealt = []
    while len(dealt) < 3 * len(FAULTS):
        fault = schedule.next_fault()
        if not schedule.offline:  # an offline period counts when it ends
            dealt.append(fault)

    assert Counter(dealt) == dict.fromkeys(FAULTS, 3)


def test_half_of_the_ticks_have_no_fault_and_offline_periods_end() -> None:
    schedule = FaultSchedule(FAULTS, len(FAULTS), random.Random(1))
    drawn = [(schedule.next_fault(), schedule.offline) for _ in range(2000)]

    assert 0.4 < sum(fault == NO_FAULT for fault, _ in drawn) / 2000 < 0.5
    assert all(fault == "offline" for fault, offline in drawn if offline)
    offline_periods = "".join("x" if offline else " " for _, offline in drawn).split()
    assert {len(period) for period in offline_periods} == {1, 2, 3}


def test_without_faults_no_tick_has_one() -> None:
    schedule = FaultSchedule((), 0, random.Random(1))

    assert {(schedule.next_fault(), schedule.offline) for _ in range(100)} == {(NO_FAULT, False)}


def test_the_portal_itself_stores_and_refuses_what_it_should(
    real_portal: Any, make: Any, tmp_path: Path, engine: Any
) -> None:
    _, device = make.customer_with_utm(make.tenant(), utm_id="a1b2c3d4e5f6")
    token = device_token.issue(make.session, device, now=portal_clock.utc_now(), by=SYSTEM)
    make.session.commit()
    file = tmp_path / "tokens.json"
    file.write_text(f'{{"a1b2c3d4e5f6": "{token}"}}')

    result = simulate(real_portal.url, file, "--once", "--faults", "all", "--rate", "120")

    faults = faults_of(result)
    assert result.exit_code == 0, result.output
    assert set(faults) == set(FAULTS)
    assert {row["verdict"] for row in faults.values()} == {"as expected"}
    assert faults["twice"]["duplicate"] == faults["twice"]["stored"] != "0"
    assert faults["broken"]["rejected"] == "3"
    assert faults["old"]["rejected"] != "0"
    assert faults["ahead"]["rejected"] != "0"
    assert faults["cut"]["rejected"] == "1", "the end of the part"
    stored = sum(int(row["stored"]) for row in faults.values())
    assert make.session.scalar(text("SELECT count(*) FROM alert")) == stored
    assert make.session.scalar(text("SELECT count(DISTINCT alert_id) FROM alert")) == stored


def test_a_portal_that_does_not_answer_a_part_of_a_body_is_sent_all_of_it(portal: Any, tokens: Path) -> None:
    result = simulate(portal.url, tokens, "--once", "--faults", "cut", "--rate", "60")

    assert faults_of(result) == {
        "cut": {
            "times": "2", "sent": "120", "stored": "120", "duplicate": "0", "rejected": "0", "verdict": "as expected"
        }
    }  # fmt: skip


def test_the_seed_decides_which_faults_there_are(portal: Any, tokens: Path, clock: Any) -> None:
    played = []
    for seed in ("1", "1", "2"):
        portal.stored.clear()
        simulate(portal.url, tokens, "--once", "--faults", "clock,offline,plain", "--rate", "60", "--seed", seed)
        played.append(dict(portal.stored))

    assert played[0] == played[1] != played[2]


def test_a_portal_that_takes_what_it_should_refuse_is_shown(portal: Any, tokens: Path) -> None:
    result = simulate(portal.url, tokens, "--once", "--faults", "old", "--seed", "3")

    assert result.exit_code == 1
    assert faults_of(result)["old"]["verdict"] == "2 times NOT as expected"
    assert re.search(
        r"^  U0001, old: 0 rejected and 0 duplicate, where \d and 0 were expected$", result.output, re.MULTILINE
    )


def test_bodies_are_compressed_except_for_the_fault_plain(portal: Any, tokens: Path) -> None:
    simulate(portal.url, tokens, "--once", "--faults", "plain,clock")

    compressed = Counter(
        headers.get("content-encoding") for path, headers in portal.calls if path == "/api/device/v1/alerts"
    )
    assert compressed == {"gzip": 2, None: 2}


def test_an_offline_utm_sends_no_heartbeat_and_then_all_its_alerts(portal: Any, tokens: Path) -> None:
    result = simulate(portal.url, tokens, "--once", "--faults", "offline", "--rate", "60")

    assert [token for token, _ in portal.heartbeats] == ["token-1", "token-2"], "one for two ticks"
    assert faults_of(result) == {
        "offline": {
            "times": "2", "sent": "120", "stored": "120", "duplicate": "0", "rejected": "0", "verdict": "as expected"
        }
    }  # fmt: skip


def test_an_offline_utm_reconnects_at_the_end(portal: Any, tokens: Path, clock: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: setattr(clock, "at", clock.at.fromtimestamp(
        clock.at.timestamp() + seconds, UTC
    )))  # fmt: skip
    result = simulate(portal.url, tokens, "--minutes", "5", "--faults", "offline", "--rate", "6")

    assert result.exit_code == 0
    assert len(portal.stored) == 2 * 6 * 6
    assert "kept by offline UTMs" not in result.output


def test_the_clock_of_a_utm_may_be_off_by_hours(portal: Any, tokens: Path) -> None:
    simulate(portal.url, tokens, "--once", "--faults", "clock", "--rate", "60")
    now = datetime.now(UTC)
    off = {abs((datetime.fromisoformat(time) - now).total_seconds()) // 60 for _, _, time in portal.stored}

    assert 29 <= min(off) <= max(off) <= 20 * 60 + 2


@pytest.mark.parametrize(
    ("args", "env", "message"),
    [
        (["--faults", "fire"], {}, "'fire' is not one of offline, twice, restart, broken"),
        (["--faults", ""], {}, "'' is not one of offline"),
        (["--faults", "all"], {"PORTAL_URL": "https://portal.example"}, "give the URL of the portal with --url"),
    ],
    ids=["unknown", "nothing", "a portal of the environment"],
)
def test_wrong_usage_is_reported_in_one_sentence(
    tokens: Path, args: list[str], env: dict[str, str], message: str
) -> None:
    result = CliRunner().invoke(utm, ["simulate", "--tokens", str(tokens), "--once", *args], env=env)

    assert (result.exit_code, message in result.stderr) == (2, True)


def test_the_help_names_every_fault() -> None:
    message: Callable[[str], bool] = CliRunner().invoke(utm, ["simulate", "--help"]).output.__contains__

    assert all(message(f"\n    {fault:<9}") for fault in FAULTS)
