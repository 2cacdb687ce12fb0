"""The launcher, run as a process: with a stand-in for the portal, and once with the portal itself."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.local.embedded import EmbeddedServer
from tests.support.processes import eventually, processes_of

ROOT = Path(__file__).parents[3]

# What the launcher knows of the portal: create_app() with /healthz, and four commands of the program flask.
STAND_IN_APP = """
import os
import re

def create_app():
    if "web" in os.environ.get("BROKEN", ""):
        raise RuntimeError("broken on purpose")

    def app(environ, start_response):
        start_response("200 OK" if environ["PATH_INFO"] == "/healthz" else "404 Not Found", [])
        return [b""]

    return app
"""

STAND_IN_FLASK = """
import os, signal, sys, time

*options, command = sys.argv[1:]
assert options == ["--app", "app", "portal"]
broken = os.environ.get("BROKEN", "")
if command == "worker" and "deaf" in broken:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(os.path.join(os.environ["PORTAL_INSTANCE"], "calls"), "a") as calls:
    print(command, os.getpid(), os.environ.get("MAIL_SERVER"), os.environ.get("MAIL_PORT"), file=calls, flush=True)
if command == "upgrade" and "upgrade" in broken:
    sys.exit(3)
if command in ("worker", "cron"):
    time.sleep(600)
"""

# With both given, no server is started; the stand-in asks neither.
URLS = {"DATABASE_URL": "postgresql+psycopg://portal_app@db.example/portal", "REDIS_URL": "redis://redis.example/0"}


class Portal:
    """A launcher under test."""

    def __init__(self, root: Path, instance: Path, **env: str) -> None:
        self.instance = instance
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        own = {"PORTAL_INSTANCE": str(instance), "PORTAL_PORT": str(self.port), "PORTAL_DEMO": "0", **env}
        inherited = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "HOME", "LANG"))}
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "app.py"],
            cwd=root,
            env={**inherited, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Tests that run under nohup would hand on that it is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509  (nothing else runs in it)
        )
        self.output = ""

    def wait_for(self, text: str) -> None:
        """Read its output until a line with this text."""
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        raise AssertionError(f"never wrote {text!r} but: {self.output}{self.process.stderr.read()}")

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: exit code, all of standard output, standard error."""
        rest, errors = self.process.communicate(timeout=60)
        return self.process.returncode, self.output + rest, errors

    def calls(self) -> list[str]:
        """Names of the commands that were run, in their order."""
        return [line.split()[0] for line in (self.instance / "calls").read_text().splitlines()]

    def pid_of(self, name: str) -> int:
        """Process id of the newest run of a command."""
        lines = (self.instance / "calls").read_text().splitlines()
        return next(int(line.split()[1]) for line in reversed(lines) if line.split()[0] == name)

    def mail_server_of(self, name: str) -> tuple[str, str]:
        """MAIL_SERVER and MAIL_PORT of the newest run of a command."""
        lines = (self.instance / "calls").read_text().splitlines()
        _, _, server, port = next(line.split() for line in reversed(lines) if line.split()[0] == name)
        return server, port

    def get(self, path: str) -> int:
        """Status of a page, 0 when nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


@pytest.fixture
def stand_in(tmp_path) -> Path:
    root = tmp_path / "stand in"
    shutil.copytree(ROOT / "app/local", root / "app/local", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "config.py"):
        shutil.copy(ROOT / name, root / name)
    (root / "migrations").mkdir()
    shutil.copy(ROOT / "migrations/roles.sql", root / "migrations")
    (root / "app/__init__.py").write_text(STAND_IN_APP)
    (root / "flask.py").write_text(STAND_IN_FLASK)
    return root


@pytest.fixture
def launch(stand_in, tmp_path):
    portals = []

    def start(root: Path = stand_in, **env: str) -> Portal:
        portals.append(Portal(root, tmp_path / "instance", **env))
        return portals[-1]

    yield start
    for portal in portals:
        portal.process.terminate()
        portal.process.communicate()


@pytest.mark.parametrize(
    ("number", "env"),
    [(signal.SIGINT, {}), (signal.SIGTERM, URLS), (signal.SIGHUP, URLS)],
    ids=["ctrl-c", "term", "hangup"],
)
def test_signal_stops_everything(launch, number, env):
    portal = launch(**env)
    portal.wait_for("Press Ctrl-C to stop.")
    assert portal.get("/healthz") == 200
    asked = time.monotonic()

    portal.process.send_signal(number)

    code, output, errors = portal.end()
    assert (code, errors) == (0, "")
    assert output.endswith("Stopping.\nStopped.\n")
    assert "Mimamori-2026!" not in output  # no demo was asked for
    assert "demo" not in portal.calls()
    assert time.monotonic() - asked < 10
    assert processes_of(portal.instance) == {}


def test_first_start_upgrades_makes_the_demo_and_says_how_to_get_in(launch):
    portal = launch(PORTAL_DEMO="1", **URLS)
    portal.wait_for("Press Ctrl-C to stop.")

    assert f"The portal is ready: http://localhost:{portal.port}/\n" in portal.output
    assert "Demo accounts, password Mimamori-2026!\n" in portal.output
    for name in ("operator", "multi", "viewer", "staff", "admin"):
        assert f"  {name}@example.jp" in portal.output
    assert eventually(lambda: len(portal.calls()) == 4)
    assert portal.calls()[:2] == ["upgrade", "demo"]
    assert sorted(portal.calls()[2:]) == ["cron", "worker"]
    assert portal.get("/healthz") == 200


def send(server: str, port: str) -> None:
    """Hand a mail to a mail server."""
    with smtplib.SMTP(server, int(port), local_hostname="localhost", timeout=10) as connection:
        connection.sendmail("no-reply@example.jp", ["one@example.jp"], "Subject: =?utf-8?b?5Lu25ZCN?=\r\n\r\nbody\r\n")


def mailbox_processes(portal: Portal) -> list[int]:
    return [pid for pid, command in processes_of(portal.instance).items() if "aiosmtpd" in command]


def test_a_demonstration_mails_to_a_mailbox_of_its_own_that_ends_with_it(launch):
    portal = launch(PORTAL_DEMO="1", **URLS)
    portal.wait_for("Press Ctrl-C to stop.")
    mailbox = portal.instance / "mailbox"
    assert (
        f"Mail is not delivered: NEC staff can read it in the portal, and it is kept in {mailbox}.\n" in portal.output
    )
    assert eventually(lambda: "worker" in portal.calls())
    server, port = portal.mail_server_of("worker")
    assert server == "127.0.0.1"
    assert eventually(lambda: listens(port))

    send(server, port)
    assert [each.read_text().splitlines()[0] for each in (mailbox / "new").iterdir()] == [
        "Subject: =?utf-8?b?5Lu25ZCN?="
    ]

    (first,) = mailbox_processes(portal)
    os.kill(first, signal.SIGKILL)
    portal.wait_for("mailbox ended unexpectedly (SIGKILL); starting it again in 1 s.")
    assert eventually(lambda: listens(port))
    send(server, port)
    assert len(list((mailbox / "new").iterdir())) == 2

    portal.process.send_signal(signal.SIGINT)
    code, _, errors = portal.end()
    assert (code, errors) == (0, "")
    assert processes_of(portal.instance) == {}


def test_a_killed_demonstration_leaves_no_mailbox(launch):
    portal = launch(PORTAL_DEMO="1", **URLS)
    portal.wait_for("Press Ctrl-C to stop.")
    assert eventually(lambda: len(mailbox_processes(portal)) == 1)

    portal.process.kill()

    assert eventually(lambda: not processes_of(portal.instance)), processes_of(portal.instance)


@pytest.mark.parametrize(
    "env",
    [
        {"PORTAL_DEMO": "1", "MAIL_SERVER": "mail.example.jp", "MAIL_PORT": "25"},
        {"PORTAL_DEMO": "0", "MAIL_PORT": "25"},
    ],
    ids=["a mail server is given", "no demonstration"],
)
def test_no_mailbox_is_started(launch, env):
    portal = launch(**env, **URLS)
    portal.wait_for("Press Ctrl-C to stop.")

    assert eventually(lambda: "worker" in portal.calls())
    assert portal.mail_server_of("worker") == (env.get("MAIL_SERVER", "None"), "25")
    assert mailbox_processes(portal) == []
    assert "Mail is not delivered" not in portal.output


def listens(port: str) -> bool:
    """Whether somebody takes connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def test_second_portal_is_refused_and_a_killed_one_leaves_nothing(launch):
    portal = launch()
    portal.wait_for("Press Ctrl-C to stop.")
    line = f"A portal is already running on {portal.instance} (process {portal.process.pid}).\n"
    code, _, errors = launch().end()
    assert (code, errors) == (1, line)
    assert portal.get("/healthz") == 200
    assert len(processes_of(portal.instance)) > 6  # PostgreSQL, Redis, web and its two workers, worker, cron

    portal.process.kill()

    assert eventually(lambda: not processes_of(portal.instance)), processes_of(portal.instance)
    for name in ("postgres", "redis"):  # all that is left is an empty folder each, which the next start would use
        EmbeddedServer(portal.instance / name).sockets.rmdir()


def test_worker_that_ends_is_started_again(launch):
    portal = launch(**URLS)
    portal.wait_for("Press Ctrl-C to stop.")
    assert eventually(lambda: portal.calls().count("worker") == 1)
    first = portal.pid_of("worker")

    os.kill(first, signal.SIGKILL)

    portal.wait_for("worker ended unexpectedly (SIGKILL); starting it again in 1 s.")
    assert eventually(lambda: portal.calls().count("worker") == 2)
    assert portal.pid_of("worker") != first


def test_web_server_that_ends_is_started_again(launch):
    portal = launch(**URLS)
    portal.wait_for("Press Ctrl-C to stop.")
    started = processes_of(portal.instance)
    master = min(pid for pid, command in started.items() if "gunicorn" in command)

    os.kill(master, signal.SIGKILL)

    portal.wait_for("web ended unexpectedly (SIGKILL)")
    assert eventually(lambda: portal.get("/healthz") == 200)


def test_database_that_ends_stops_everything_in_one_line(launch):
    portal = launch()
    portal.wait_for("Press Ctrl-C to stop.")
    postmaster = int((portal.instance / "postgres/data/postmaster.pid").read_text().splitlines()[0])

    os.kill(postmaster, signal.SIGKILL)

    code, _, errors = portal.end()
    assert code == 1
    assert errors.startswith("PostgreSQL ended: ")
    assert errors.count("\n") == 1
    assert processes_of(portal.instance) == {}


def test_process_that_does_not_listen_is_killed(launch):
    portal = launch(BROKEN="deaf", **URLS)
    portal.wait_for("Press Ctrl-C to stop.")
    assert eventually(lambda: "worker" in portal.calls())

    portal.process.terminate()
    portal.wait_for("Stopping.")
    portal.process.terminate()  # an impatient second one does not break the order

    code, output, errors = portal.end()
    assert (code, errors) == (0, "")
    assert output.endswith("Stopping.\nStopped.\n")
    assert processes_of(portal.instance) == {}


def test_failed_upgrade_is_one_line_and_leaves_nothing(launch):
    portal = launch(BROKEN="upgrade", **URLS)

    code, _, errors = portal.end()

    assert (code, errors) == (1, "`flask portal upgrade` failed (exit code 3); see its output above.\n")
    assert processes_of(portal.instance) == {}


def test_web_server_that_does_not_start_ends_the_launcher(launch):
    portal = launch(BROKEN="web", **URLS)

    code, output, errors = portal.end()

    assert code == 1
    assert re.search(r"\nThe web server did not start \(exit code [13]\); see its output above\.\n$", errors)
    assert "The portal is ready" not in output
    assert processes_of(portal.instance) == {}


def test_port_in_use_is_refused_before_anything_starts(launch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code, output, errors = launch(PORTAL_PORT=str(port)).end()

    assert (code, output) == (2, "")
    assert errors == f"Port {port} is in use. Set PORTAL_PORT to another one.\n"


@pytest.mark.parametrize("under", ["file/instance", "file"])
def test_folder_that_cannot_be_written_is_refused(launch, tmp_path, under):
    (tmp_path / "file").write_text("")

    code, output, errors = launch(PORTAL_INSTANCE=str(tmp_path / under)).end()

    assert (code, output) == (2, "")
    assert errors.startswith(f"The data folder {tmp_path / under} cannot be written: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("env", "line"),
    [
        ({"PORTAL_PORT": "http"}, "PORTAL_PORT must be a whole number, not 'http'.\n"),
        ({"PORTAL_ENV": "staging"}, "PORTAL_ENV must be one of development, production, not 'staging'.\n"),
        (
            {"PORTAL_ENV": "production", "SECRET_KEY": "x" * 32, "DATABASE_URL": URLS["DATABASE_URL"]},
            "REDIS_URL must be set when PORTAL_ENV=production.\n",
        ),
    ],
)
def test_setting_that_cannot_be_used_is_one_line(launch, env, line):
    assert launch(**env).end() == (2, "", line)


def test_the_portal_itself_starts_serves_and_stops(launch):
    portal = launch(ROOT)
    portal.wait_for("Press Ctrl-C to stop.")
    assert portal.get("/healthz") == 200
    assert eventually(lambda: portal.get("/readyz") == 200, seconds=60)  # the worker has reported

    portal.process.send_signal(signal.SIGINT)

    code, output, _ = portal.end()
    assert code == 0
    assert "Traceback" not in output
    assert processes_of(portal.instance) == {}
