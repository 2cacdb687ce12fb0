"""The hourly counts that are sent beside the alerts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.shipper import follow
from app.shipper.adapters import ADAPTERS
from app.shipper.command import utm
from app.shipper.hourly_counts import HourlyCounts, statistics_lines
from tests.app.shipper.follow_helpers import Script, add, nothing, run

GOLDEN = Path(__file__).with_name("golden")
pytestmark = pytest.mark.usefixtures("alone")
Table = Callable[[Result], dict[str, str]]
UTM = "a1b2c3d4e5f6"


def ship(portal: Any, name: str, *args: object) -> Result:
    base = ["ship", "--quiet", "--format", name, "--url", portal.url, "--token", "token-1"]
    return CliRunner().invoke(utm, [*base, *map(str, args)])


def expected(portal: Any) -> Counter[tuple[str, str, str]]:
    """Return the counts of the alerts that the portal has stored, by hour, function and category."""
    found: Counter[tuple[str, str, str]] = Counter()
    for line in portal.stored.values():
        category = line.get("cname") or line.get("atype") or line.get("suricata_category")
        category = category or line.get("fortigate_category", "unknown")
        found[line["time"][:13] + ":00:00+00:00", line["type"], category] += 1
    return found


def received(portal: Any) -> dict[tuple[str, str, str], int]:
    return {key[1:]: count for key, count in portal.threat_stats.items()}


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("shifted", [[], ["--shift-to", "now"]], ids=["recorded", "shifted"])
def test_the_counts_of_a_log_are_those_of_its_alerts(
    portal: Any, clock: Any, name: str, shifted: list[str], table: Table
) -> None:
    results = []
    for _ in range(2):
        results.append(ship(portal, name, "--file", GOLDEN / f"{name}.log", *shifted))
        clock.at += timedelta(hours=5)

    assert received(portal) == expected(portal)
    assert {key[0] for key in portal.threat_stats} == {UTM}
    assert len(portal.stored) == sum(portal.threat_stats.values()) == (12 if name == "fortigate" else 3)
    assert [table(result)["hourly counts"] for result in results] == [str(len(portal.threat_stats))] * 2
    if shifted:
        assert max(line["time"] for line in portal.stored.values()) == "2026-11-22T03:04:05.678901+00:00"


def test_an_older_portal_is_sent_only_the_alerts(portal: Any) -> None:
    portal.has_threat_stats = False
    result = ship(portal, "suricata", "--file", GOLDEN / "suricata.log")

    assert len(portal.stored) == 3
    assert result.stderr == (
        "The portal does not take threat statistics, because it is an older version: only alerts are sent.\n"
    )
    assert "hourly counts" not in result.stdout


def test_counts_that_are_rejected_are_listed(
    portal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Table
) -> None:
    (tmp_path / "eve.json").write_text((GOLDEN / "suricata.log").read_text().splitlines()[0])
    answer = {"received": 1, "stored": 0, "rejected": [{"line": 1, "reason": "hour: too old"}]}
    monkeypatch.setattr(portal, "_take_counts", lambda *_: answer)
    result = ship(portal, "suricata", "--file", tmp_path / "eve.json")

    assert (result.exit_code, table(result)["counts rejected"], table(result)["rejected"]) == (1, "1", "0")
    assert "      2026-11-22T00:00:00+00:00 ips Attempted Information Leak: hour: too old\n" in result.stdout


def test_a_run_that_does_not_reach_its_end_sends_no_counts(portal: Any) -> None:
    portal.script = [(503, {}, b"")] * 2

    assert ship(portal, "suricata", "--file", GOLDEN / "suricata.log").exit_code == 2
    assert portal.threat_stats == {}


@pytest.fixture
def _fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)


def record(number: int, name: str = "Games") -> str:
    return (
        json.dumps(
            {
                "timestamp": f"2026-11-22T09:{number:02}:00.000000+0900",
                "event_type": "alert",
                "http": {},
                "alert": {"signature": f"ET INAPPROPRIATE {number}", "metadata": {"url_category": [name]}},
            }
        )
        + "\n"
    )


@pytest.mark.usefixtures("_fast_clock")
def test_followed_logs_of_one_utm_are_counted_together_and_across_runs(portal: Any, tmp_path: Path) -> None:
    logs = [tmp_path / "eve.1.json", tmp_path / "eve.2.json"]
    pattern = [str(tmp_path / "eve.?.json")]
    hour = (UTM, "2026-11-22T00:00:00+00:00", "url_filter", "Games")
    seen: list[int | None] = []

    def look() -> None:
        seen.append(portal.threat_stats.get(hour))

    add(logs[0], record(1) + record(2))
    run(portal, pattern, nothing, lambda: add(logs[1], record(3)), *[nothing] * 32, look, nothing)
    portal.replace_token("token-1", "new")
    portal.threat_stats.clear()
    add(logs[1], record(4))
    run(portal, pattern, nothing, nothing, token="new")
    look()

    assert seen == [3, 4], "every minute, and at the end of a run"
    assert sum(portal.threat_stats.values()) == 4


@pytest.mark.usefixtures("_fast_clock")
@pytest.mark.parametrize("status", [500, 403])
def test_a_portal_that_refuses_counts_still_gets_the_alerts_and_later_the_counts(
    portal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    log, messages = tmp_path / "eve.json", []
    real = portal._answer
    monkeypatch.setattr(
        portal, "_answer", lambda path, *rest: (status, {}) if path.endswith("stats") else real(path, *rest)
    )
    add(log, record(1))
    run(portal, log, *[nothing] * 70, messages=messages)
    assert (len(portal.stored), len(messages), portal.threat_stats) == (1, 1, {})
    assert messages[0].startswith("The hourly counts were not sent, and will be later. The portal ")

    monkeypatch.undo()
    monkeypatch.setattr(follow, "monotonic", lambda: Script.seconds)
    run(portal, log, nothing)
    assert list(portal.threat_stats.values()) == [1]


def counted(*times: datetime, **more: str) -> HourlyCounts:
    counts = HourlyCounts()
    for when in times:
        counts.add({"time": when.isoformat(), "type": "ips"} | more)
    return counts


def test_hours_are_those_of_utc() -> None:
    tokyo = datetime.fromisoformat("2026-11-22T00:30:00+09:00")

    assert list(statistics_lines(counted(tokyo, tokyo, atype="P2P").counts.items())) == [
        {"hour": "2026-11-21T15:00:00+00:00", "function": "ips", "category": "P2P", "count": 2}
    ]


def test_counts_are_stored_and_old_ones_removed() -> None:
    now = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
    counts = counted(now, now - timedelta(days=31), now - timedelta(days=32))
    assert HourlyCounts.of(json.loads(json.dumps(counts.to_json()))).counts == counts.counts

    counts.prune()
    assert [hour for hour, _, _ in sorted(counts.counts)] == ["2026-10-22T03:00:00+00:00", "2026-11-22T03:00:00+00:00"]
    assert HourlyCounts.of(counts.to_json()).pruned_before == "2026-10-22T03:00:00+00:00"


@pytest.mark.parametrize("stored", [None, [], {"rows": 7}, {"rows": [["a"]], "before": ""}, {"rows": [[1, 2, 3, "x"]]}])
def test_stored_counts_that_cannot_be_read_are_none(stored: Any) -> None:
    assert HourlyCounts.of(stored).counts == {}


def test_the_number_of_categories_is_limited() -> None:
    counts = HourlyCounts()
    for number in range(500):
        counts.add({"time": "2026-11-22T00:00:00+00:00", "type": "url_filter", "cname": f"kind {number}"})

    assert len(counts.counts) == 201
    assert counts.counts["2026-11-22T00:00:00+00:00", "url_filter", "other"] == 300
