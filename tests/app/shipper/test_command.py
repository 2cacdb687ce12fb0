"""The command ``utm ship``."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from app.shipper.command import utm

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "samples"
pytestmark = pytest.mark.usefixtures("alone")
Table = Callable[[Result], dict[str, str]]


def ship(portal: Any, *args: object, token: str = "token-1") -> Result:
    return CliRunner().invoke(
        utm, ["ship", "--quiet", "--format", "suricata", "--url", portal.url, "--token", token, *map(str, args)]
    )


@pytest.mark.parametrize(
    ("name", "alerts", "skipped"),
    [
        ("honeypot-2018.alerts.json", 44, 0),
        ("wrccdc-2017.alerts.json", 161, 0),
        ("josevnz_eve_large.jsonl.gz", 1794, 1379),
    ],
)
def test_a_sample_is_shipped_once(portal: Any, clock: Any, name: str, alerts: int, skipped: int, table: Table) -> None:
    first = ship(portal, "--file", SAMPLES / name, "--shift-to", "now")
    lines = dict(portal.stored)
    clock.at += timedelta(days=3)
    second = ship(portal, "--file", SAMPLES / name, "--shift-to", "now")

    assert (first.exit_code, second.exit_code) == (0, 0)
    counts = {"alerts": f"{alerts:,}", "skipped": f"{skipped:,}", "unreadable": "0", "rejected": "0"}
    assert table(first).items() >= (counts | {"stored": f"{alerts:,}", "duplicate": "0"}).items()
    assert table(second).items() >= (counts | {"stored": "0", "duplicate": f"{alerts:,}"}).items()
    assert portal.stored == lines
    assert len(lines) == len({alert_id for _, alert_id, _ in lines}) == alerts
    assert max(time for _, _, time in lines) == "2026-11-22T03:04:05.678901+00:00", "the last alert is now"


@pytest.mark.usefixtures("clock")
def test_the_table_in_full(portal: Any) -> None:
    result = ship(portal, "--file", SAMPLES / "josevnz_eve_large.jsonl.gz", "--shift-to", "now")

    assert result.output == (
        f"file                    {SAMPLES}/josevnz_eve_large.jsonl.gz\n"
        "records read                   3,173\n"
        "  alerts                       1,794\n"
        "  skipped                      1,379\n"
        "    ssh                        1,216\n"
        "    anomaly                       81\n"
        "    dhcp                          58\n"
        "    tls                           14\n"
        "    http                          10\n"
        "  unreadable                       0\n"
        "moved in time by        +1,173 days 20:15:58\n"
        f"sent to                 {portal.url}\n"
        "  sent                         1,794\n"
        "    stored                     1,794\n"
        "    duplicate                      0\n"
        "    rejected                       0\n"
        "  hourly counts                  160\n"
    )


@pytest.mark.usefixtures("clock")
def test_spacing_is_kept(portal: Any) -> None:
    ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now")
    times = sorted(datetime.fromisoformat(time) for _, _, time in portal.stored)

    assert times[-1] - times[0] == timedelta(hours=2, minutes=59, seconds=56, microseconds=211596)


def test_the_same_log_under_another_name_and_form_is_the_same_log(
    portal: Any, clock: Any, tmp_path: Path, table: Table
) -> None:
    records = json.loads((SAMPLES / "honeypot-2018.alerts.json").read_text())
    copy = tmp_path / "copy.log"
    copy.write_bytes(gzip.compress("\n".join(json.dumps(record, sort_keys=True) for record in records).encode()))

    ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now")
    clock.at += timedelta(hours=1)

    assert table(ship(portal, "--file", copy, "--shift-to", "now"))["duplicate"] == "44"


def test_a_log_has_a_separate_time_shift_for_each_utm(portal: Any, clock: Any) -> None:
    ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now")
    clock.at += timedelta(hours=1)
    ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now", token="token-2")

    last = {token: max(time for other, _, time in portal.stored if other == token) for token in ("token-1", "token-2")}
    assert last == {"token-1": "2026-11-22T03:04:05.678901+00:00", "token-2": "2026-11-22T04:04:05.678901+00:00"}


def test_under_a_replaced_token_a_moved_log_is_still_the_same(portal: Any, clock: Any, table: Table) -> None:
    ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now")
    portal.replace_token("token-1", "new")
    clock.at += timedelta(hours=1)
    result = ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now", token="new")

    assert table(result).items() >= {"stored": "0", "duplicate": "44"}.items()
    assert len(portal.stored) == 44


def test_a_portal_that_does_not_tell_the_utm_is_shipped_to_by_token(portal: Any, clock: Any, table: Table) -> None:
    """The time shift is kept when the portal returns the UTM ID later."""
    portal.tells_utm = False
    ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now")
    for tells in (False, True):
        portal.tells_utm = tells
        clock.at += timedelta(hours=1)
        result = ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now")
        assert table(result)["duplicate"] == "44"


def test_a_log_is_not_moved_before_the_portal_said_whose_it_is(portal: Any, tmp_path: Path) -> None:
    result = ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", "--shift-to", "now", token="mistyped")

    assert (result.exit_code, result.stdout) == (2, "")
    assert not (tmp_path / "instance").exists()


def test_without_a_shift_times_are_those_of_the_log(portal: Any, tmp_path: Path) -> None:
    assert ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json").exit_code == 0
    assert max(time for _, _, time in portal.stored) == "2019-01-02T06:50:05.309314+00:00"
    assert not (tmp_path / "instance").exists(), "nothing is remembered"
    assert portal.asked == []


def test_an_interrupted_run_is_finished_by_the_next(portal: Any, clock: Any, table: Table) -> None:
    receipt = {"utm": "a1b2c3d4e5f6", "received": 0, "stored": 0, "duplicate": 0, "rejected": [], "rejected_count": 0}
    portal.script = [(200, {}, json.dumps(receipt).encode())] + [(503, {}, b"")] * 2
    broken = ship(portal, "--file", SAMPLES / "wrccdc-2017.alerts.json", "--shift-to", "now")
    clock.at += timedelta(hours=1)
    again = ship(portal, "--file", SAMPLES / "wrccdc-2017.alerts.json", "--shift-to", "now")

    assert broken.exit_code == 2
    assert broken.stderr == (
        f"The portal at {portal.url} answered 503; trying again.\n"
        f"Error: The portal at {portal.url} answered 503, 2 times. It is safe to run this again later.\n"
    )
    assert table(broken).items() >= {"alerts": "161", "sent": "0", "not sent": "161"}.items()
    assert (again.exit_code, table(again)["stored"]) == (0, "161")
    assert max(time for _, _, time in portal.stored) == "2026-11-22T03:04:05.678901+00:00", "the shift of the first run"


def test_unreadable_records_are_listed_and_the_rest_is_sent(portal: Any, tmp_path: Path, table: Table) -> None:
    good = (SAMPLES / "josevnz_eve_large.jsonl.gz").read_bytes()
    text = gzip.decompress(good).splitlines()[:3]
    log = tmp_path / "eve.json"
    log.write_bytes(
        b"\n".join([text[0], b"garbage \x1b[31m", text[1], b'{"event_type": "alert", "alert": {}}', b"{}", text[2]])
    )
    result = ship(portal, "--file", log)

    assert result.exit_code == 1
    assert table(result).items() >= {"alerts": "3", "unreadable": "2", "stored": "3", "no event type": "1"}.items()
    assert "    line 2: not JSON (Expecting value)\n" in result.output
    assert "no valid timestamp\n" in result.output
    assert "\x1b" not in result.output


def test_a_truncated_file_is_used_and_told(portal: Any, tmp_path: Path) -> None:
    log = tmp_path / "eve.json.gz"
    log.write_bytes((SAMPLES / "josevnz_eve_large.jsonl.gz").read_bytes()[:90_000])
    result = ship(portal, "--file", log)

    assert result.exit_code == 1
    assert "damaged                 the gzip data ends early; what came before was used\n" in result.output
    assert 0 < len(portal.stored) < 1794


def test_refused_lines_are_shown_with_their_reasons(portal: Any, tmp_path: Path, table: Table) -> None:
    log = tmp_path / "eve.json"
    record = json.loads((SAMPLES / "honeypot-2018.alerts.json").read_text())[0]
    record["alert"]["action"] = "refuse-me"
    log.write_text(json.dumps(record))
    result = ship(portal, "--file", log)

    assert (result.exit_code, table(result)["rejected"]) == (1, "1")
    (alert_id,) = [line.split("(")[1].split(")")[0] for line in result.output.splitlines() if "line 1 (" in line]
    assert f"      line 1 ({alert_id}): act: refused\n" in result.output


def test_an_old_log_without_a_shift_gets_a_hint(portal: Any, table: Table) -> None:
    answer = {
        "received": 44,
        "stored": 0,
        "duplicate": 0,
        "rejected": [{"line": 1, "reason": "time: older than the retention period"}],
        "rejected_count": 44,
    }
    portal.script = [(200, {}, json.dumps(answer).encode())]
    result = ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json")

    assert (result.exit_code, table(result)["rejected"]) == (1, "44")
    assert "shipped with --shift-to now" in result.output


def test_many_event_types_do_not_fill_the_screen(portal: Any, tmp_path: Path, table: Table) -> None:
    log = tmp_path / "eve.json"
    log.write_text("\n".join(json.dumps({"event_type": f"kind-{number}\x07"}) for number in range(1000)))
    result = ship(portal, "--file", log)

    assert (result.exit_code, table(result)["other types"]) == (0, "960")
    assert len(result.output.splitlines()) < 60
    assert "\x07" not in result.output


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], "Give the UTM's token: --token, PORTAL_UTM_TOKEN or --utm."),
        (["--token", "a", "--utm", "U0001"], "--token and --utm exclude each other."),
        (["--utm", "U0001"], "demo-tokens.json does not exist: the demo writes it."),
        (["--token", "a", "--url", "portal"], "'portal' is not a URL of a portal"),
        (["--token", "a", "--shift-to", "yesterday"], "'yesterday' is not 'now'"),
        (["--token", "a", "--format", "snort"], "'snort' is not one of 'suricata', 'fortigate'"),
    ],
)
def test_wrong_usage_is_reported_in_one_sentence_and_code_2(args: list[str], text: str) -> None:
    base = ["ship", "--format", "suricata", "--file", str(SAMPLES / "honeypot-2018.alerts.json")]
    result = CliRunner().invoke(utm, [*base, *args])

    assert result.exit_code == 2
    assert text in result.output


def test_an_unsupported_file_is_reported(portal: Any, tmp_path: Path) -> None:
    (tmp_path / "eve.zip").write_bytes(b"PK\x03\x04")

    assert ship(portal, "--file", tmp_path / "missing").exit_code == 2
    assert ship(portal, "--file", tmp_path).exit_code == 2
    result = ship(portal, "--file", tmp_path / "eve.zip")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "is a ZIP archive; unpack it first" in result.output


def test_a_wrong_token_is_code_2(portal: Any) -> None:
    result = ship(portal, "--file", SAMPLES / "honeypot-2018.alerts.json", token="wrong")

    assert result.exit_code == 2
    assert result.stderr.startswith("Error: The portal does not know this token (401)")


def test_the_token_may_come_from_the_environment_or_the_demo(portal: Any, tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "demo-tokens.json").write_text('{"U0002": "token-2"}')
    base = ["ship", "--format", "suricata", "--file", str(SAMPLES / "honeypot-2018.alerts.json"), "--url", portal.url]

    assert CliRunner().invoke(utm, base, env={"PORTAL_UTM_TOKEN": "token-1"}).exit_code == 0
    assert CliRunner().invoke(utm, [*base, "--utm", "U0002"]).exit_code == 0
    assert Counter(token for token, _, _ in portal.stored) == {"token-1": 44, "token-2": 44}
    result = CliRunner().invoke(utm, [*base, "--utm", "U0003"])
    assert (result.exit_code, "has no token of UTM 'U0003'" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("url", "warnings"),
    [
        ("http://127.0.0.1:8080", 0),
        ("http://[::1]:8080", 0),
        ("https://portal.example", 0),
        ("http://portal.example", 1),
    ],
)
def test_a_token_that_goes_over_the_network_in_the_clear_is_warned_of(
    url: str, warnings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post(*_args: object, **_options: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "post", post)
    base = ["ship", "--format", "suricata", "--file", str(SAMPLES / "honeypot-2018.alerts.json")]
    result = CliRunner().invoke(utm, [*base, "--token", "token-1", "--url", url])

    assert result.exit_code == 2
    assert result.stderr.count("portal.example is called without TLS") == warnings


def test_the_portal_is_this_machines_own_at_the_port_that_it_is_started_at(portal: Any) -> None:
    port = portal.url.rpartition(":")[2]
    args = ["ship", "--format", "suricata", "--file", str(SAMPLES / "honeypot-2018.alerts.json"), "--token", "token-1"]

    result = CliRunner().invoke(utm, args, env={"PORTAL_PORT": port, "PORTAL_URL": None})

    assert (result.exit_code, len(portal.stored)) == (0, 44)
    result = CliRunner().invoke(utm, args, env={"PORTAL_PORT": "1", "PORTAL_URL": portal.url})
    assert (result.exit_code, f"sent to                 {portal.url}\n" in result.output) == (0, True)
    result = CliRunner().invoke(utm, args, env={"PORTAL_PORT": "http", "PORTAL_URL": None})
    assert (result.exit_code, "'http://127.0.0.1:http' is not a URL of a portal" in result.stderr) == (2, True)


@pytest.mark.parametrize("port", [{"PORTAL_PORT": None}, {"PORTAL_PORT": ""}], ids=["unset", "empty"])
def test_without_a_port_it_is_8080(port: dict[str, str | None], monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def post(_session: requests.Session, url: str, **_options: object) -> None:
        called.append(url)
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "post", post)
    args = ["ship", "--format", "suricata", "--file", str(SAMPLES / "honeypot-2018.alerts.json"), "--token", "token-1"]

    CliRunner().invoke(utm, args, env=port | {"PORTAL_URL": None})

    assert set(called) == {"http://127.0.0.1:8080/api/device/v1/alerts"}


@pytest.mark.parametrize("url", ["http://user:s3cret@portal.example/", "ftp://s3cret@portal.example", "s3cret@portal"])
@pytest.mark.parametrize("command", ["ship", "simulate"])
@pytest.mark.parametrize("by", ["--url", "PORTAL_URL"])
def test_a_url_with_a_name_and_password_is_refused_and_not_repeated(
    url: str, command: str, by: str, tmp_path: Path
) -> None:
    (tmp_path / "tokens.json").write_text('{"U0001": "token-1"}')
    args = {
        "ship": ["--format", "suricata", "--file", str(SAMPLES / "honeypot-2018.alerts.json"), "--token", "token-1"],
        "simulate": ["--tokens", str(tmp_path / "tokens.json"), "--faults", "all"],
    }[command]
    given = {"args": [command, *args, "--url", url]} if by == "--url" else {"args": [command, *args], "env": {by: url}}

    result = CliRunner().invoke(utm, **given)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "The URL has a name or password in it: leave them out" in result.stderr
    assert "s3cret" not in result.output


def test_it_runs_without_the_portal(portal: Any) -> None:
    args = ["ship", "--format", "suricata", "--file", str(SAMPLES / "honeypot-2018.alerts.json"), "--url", portal.url]
    env = {"PATH": "/usr/bin:/bin", "PORTAL_UTM_TOKEN": "token-1", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-m", "app.shipper", *args], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(portal.stored) == 44
