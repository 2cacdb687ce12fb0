"""``utm ship --follow`` as a process: signals, kills, rotation and outages of the portal, checked by the stored alerts."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from app.shipper import batch
from app.shipper.command import utm
from models import clock
from models.actor import SYSTEM
from models.utms import device_token
from tests.app.shipper.eve_records import alert, text_of
from tests.app.shipper.follow_helpers import follow_until_sigterm
from tests.support.processes import eventually

ROOT = Path(__file__).parents[3]


def soon(condition: Callable[[], bool]) -> bool:
    """Wait until the condition holds, with a timeout that suits a busy machine."""
    return eventually(condition, seconds=60)


class FollowProcess:
    """Consecutive runs of the command on one log."""

    def __init__(self, log: Path, url: str, token: str) -> None:
        self.log = log
        self._args = ["ship", "--format", "suricata", "--follow", "--quiet", "--file", str(log), "--url", url]
        self._env = os.environ | {"PORTAL_INSTANCE": str(log.parent / "instance"), "PORTAL_UTM_TOKEN": token}
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.shipper", *self._args],
            cwd=ROOT,
            env=self._env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, number: int = signal.SIGTERM) -> tuple[int, dict[str, str], str]:
        """End the process; return the exit code, the table and standard error."""
        self.process.send_signal(number)
        out, errors = self.process.communicate(timeout=60)
        table = {name.strip(): value for name, _, value in (line.rpartition(" ") for line in out.splitlines())}
        return self.process.returncode, table, errors

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)

    def add(self, *numbers: int) -> None:
        with self.log.open("a") as file:
            file.write(text_of(*map(alert, numbers)))


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., FollowProcess]]:
    made: list[FollowProcess] = []

    def follow(url: str, token: str = "token-1") -> FollowProcess:
        made.append(FollowProcess(tmp_path / "eve.json", url, token))
        return made[-1]

    yield follow
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.kill()


@pytest.fixture
def new_token(make: Any) -> Callable[[], str]:
    """Return a function that replaces the token of a UTM."""
    _, utm = make.customer_with_utm(make.tenant(), utm_id="a1b2c3d4e5f6")

    def new_token() -> str:
        token = device_token.issue(make.session, utm, now=clock.utc_now(), by=SYSTEM)
        make.session.commit()
        return token

    return new_token


@pytest.fixture
def token(new_token: Callable[[], str]) -> str:
    return new_token()


@pytest.fixture
def rows(make: Any) -> Callable[[], int]:
    """Return a function that counts the stored alerts."""

    def count() -> int:
        make.session.rollback()  # a new look
        return make.session.scalar(text("SELECT count(*) FROM alert"))

    return count


def test_a_signal_ends_it_with_the_table(portal: Any, follow: Callable[..., FollowProcess]) -> None:
    following = follow(portal.url)
    following.add(1, 2)
    following.start()
    assert soon(lambda: len(portal.stored) == 2)
    following.add(3)
    assert soon(lambda: len(portal.stored) == 3)

    code, table, errors = following.end(signal.SIGINT)

    assert code == 0
    assert errors.startswith(f"Following {following.log} from its start. Ctrl-C ends it.\n")
    assert table.items() >= {"records read": "3", "alerts": "3", "sent": "3", "stored": "3", "duplicate": "0"}.items()


@pytest.mark.usefixtures("alone")
def test_what_was_read_when_the_signal_came_is_still_sent(
    portal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "BATCH_LINES", 500)
    log = tmp_path / "eve.json"
    log.write_text(text_of(*map(alert, range(1_200))))
    args = ["ship", "--format", "suricata", "--follow", "--quiet", "--file", str(log), "--url", portal.url]
    # The signal comes while the first batch is under way.
    first, ready = threading.Event(), threading.Event()

    def answer_slowly() -> None:
        if len(portal.batches) == 1:
            first.set()
            assert ready.wait(60)

    def stop() -> None:
        assert first.wait(60)
        threading.Timer(0.2, ready.set).start()

    portal.before_answer = answer_slowly
    result = follow_until_sigterm([*args, "--token", "token-1"], stop)

    assert result.exit_code == 0
    assert f"stored{len(portal.stored):>26,}\n" in result.stdout
    assert 500 <= len(portal.stored) < 1_200
    assert "not sent" not in result.stdout
    result = follow_until_sigterm(
        [*args, "--token", "token-1"], lambda: eventually(lambda: len(portal.stored) == 1_200, seconds=60)
    )
    assert len(portal.stored) == 1_200
    assert f"duplicate{0:>23}\n" in result.stdout


def test_killed_between_storing_and_remembering_it_sends_one_batch_again(
    portal: Any, follow: Callable[..., FollowProcess]
) -> None:
    following = follow(portal.url)
    following.add(*range(10_500))
    portal.before_answer = lambda: following.process.kill() if len(portal.batches) == 2 else None
    following.start()
    assert soon(lambda: following.process.poll() is not None)
    following.kill()
    first, second = portal.batches  # of 5,000 lines, or what a busy machine read in the time that an alert may wait

    following.start()
    assert soon(lambda: len(portal.stored) == 10_500)

    _, table, errors = following.end()
    assert "where an earlier run ended" in errors
    counts = {name: int(table[name].replace(",", "")) for name in ("alerts", "stored", "duplicate")}
    assert counts == {"alerts": 10_500 - first, "stored": 10_500 - first - second, "duplicate": second}


def test_killed_again_and_again_every_alert_is_stored_once(
    real_portal: Any, follow: Callable[..., FollowProcess], token: str, rows: Callable[[], int]
) -> None:
    following = follow(real_portal.url, token)
    written = 0
    for _ in range(3):
        following.start()
        before = rows()
        for _ in range(5):
            following.add(*range(written, written + 100))
            written += 100
        assert soon(lambda before=before: rows() > before)
        following.add(*range(written, written + 100))
        written += 100
        following.kill()
    following.start()

    assert soon(lambda: rows() == written)
    assert following.end()[0] == 0
    assert rows() == written == 1800


def test_no_alert_is_lost_by_rotation_truncation_or_an_outage(
    real_portal: Any, follow: Callable[..., FollowProcess], token: str, rows: Callable[[], int]
) -> None:
    following = follow(real_portal.url, token)
    log = following.log
    following.add(1, 2)
    following.start()
    assert soon(lambda: rows() == 2)

    real_portal.down()
    following.add(3)
    log.rename(log.with_name("eve.json.1"))
    following.add(4)
    following.process.stderr.readline()
    assert "cannot be reached; trying again" in following.process.stderr.readline()
    real_portal.up()
    assert soon(lambda: rows() == 4)

    log.with_name("eve.json.2").write_bytes(log.read_bytes())
    os.truncate(log, 0)
    following.add(5)
    assert soon(lambda: rows() == 5)

    log.unlink()
    following.add(6, 7)
    assert soon(lambda: rows() == 7)
    code, table, errors = following.end()
    assert code == 0
    assert table.items() >= {"alerts": "7", "stored": "7", "duplicate": "0", "rejected": "0"}.items()
    assert errors.count("trying again") + errors.count("answers again") == 1


def test_no_alert_is_lost_when_the_token_is_replaced(
    real_portal: Any,
    follow: Callable[..., FollowProcess],
    token: str,
    new_token: Callable[[], str],
    rows: Callable[[], int],
) -> None:
    following = follow(real_portal.url, token)
    following.add(1)
    following.start()
    assert soon(lambda: rows() == 1)
    replaced_by = new_token()
    following.add(2)
    assert soon(lambda: following.process.poll() is not None)
    code, _, errors = following.end()
    assert (code, "A new one is made on the UTM's page." in errors) == (2, True)
    following.log.rename(following.log.with_name("eve.json.1"))
    following.add(3)

    following = follow(real_portal.url, replaced_by)
    following.start()
    assert soon(lambda: rows() == 3)

    code, table, errors = following.end()
    assert (code, table["stored"], table["duplicate"]) == (0, "2", "0")
    assert errors.startswith(
        f"Continuing where the run under the earlier token ended.\nFollowing {following.log} from byte "
    )


def test_a_signal_ends_the_wait_for_a_portal_that_is_to_say_whose_token_it_is(
    portal: Any, follow: Callable[..., FollowProcess]
) -> None:
    following = follow(portal.url)
    following.add(1)
    following.start()
    assert soon(lambda: len(portal.stored) == 1)
    following.end()
    portal.script = [(503, {"Retry-After": "60"}, b"")]
    following = follow(portal.url, "token-2")
    following.start()
    assert "answered 503; trying again" in following.process.stderr.readline()

    code, table, errors = following.end()

    assert (code, table["records read"], errors) == (0, "0", "")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("data", "args", "message"),
    [
        (b"", ["--shift-to", "now"], "--follow and --shift-to exclude each other"),
        (gzip.compress(b"{}\n"), [], "eve.json is compressed with gzip: only a plain file with a record on each line"),
        (b"[{}]\n", [], "eve.json is a JSON array: only a plain file with a record on each line can be followed."),
    ],
    ids=["moved in time", "gzip", "array"],
)
def test_a_log_that_cannot_be_followed_is_reported_in_one_sentence(
    portal: Any, tmp_path: Path, data: bytes, args: list[str], message: str
) -> None:
    (tmp_path / "eve.json").write_bytes(data)
    base = ["ship", "--format", "suricata", "--follow", "--file", str(tmp_path / "eve.json"), "--url", portal.url]
    result = CliRunner().invoke(utm, [*base, "--token", "token-1", *args])

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert portal.calls == []


@pytest.mark.usefixtures("alone")
def test_a_pipe_is_not_followed(portal: Any, tmp_path: Path) -> None:
    log = tmp_path / "eve.json"
    os.mkfifo(log)
    base = ["ship", "--format", "suricata", "--follow", "--file", str(log), "--url", portal.url]
    result = CliRunner().invoke(utm, [*base, "--token", "token-1"])

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"Error: {log} is a pipe, a device or the like: only a regular file can be followed. Ship it without --follow."
    ]
