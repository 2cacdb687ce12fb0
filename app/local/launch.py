"""``python app.py``: run the whole portal on this machine, with its own PostgreSQL and Redis."""

from __future__ import annotations

import errno
import http.client
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import click

import config
from app.local.embedded import ServiceError, Services, services
from app.local.mailbox import MailSink, mail_sink
from app.local.supervisor import Child, describe, stopping, watch

HOST = "127.0.0.1"

#: Seconds until the web server must respond.
START_TIMEOUT = 120.0

#: The accounts that `flask portal demo` creates, repeated here so that the launcher need not import the models.
DEMO_PASSWORD = "Mimamori-2026!"  # nosec B105  # noqa: S105 - public, and refused in production
DEMO_ACCOUNTS = {
    "operator@example.jp": "partner operator, one tenant",
    "multi@example.jp": "partner operator, two tenants",
    "viewer@example.jp": "partner viewer, reads only",
    "staff@example.jp": "NEC staff",
    "admin@example.jp": "NEC administrator",
}


class Refused(Exception):
    """The portal cannot be started with these settings; the message is one line."""


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal. Not an ``Exception``, so that no handler catches it by accident."""


def main() -> int:
    """Run the portal until it is asked to stop.

    :return: the exit code: 0 stopped as requested, 1 a failure, 2 a setting, the port or the folder cannot be used.
    """
    _stop_on_signals()
    try:
        settings = _settings()
        _check_port(settings["PORTAL_PORT"])
        say(f"Starting PostgreSQL and Redis; their data is in {settings['PORTAL_INSTANCE']}.")
        with services(settings["PORTAL_INSTANCE"]) as started:
            _serve(settings, started)
    except StopRequested:
        say("Stopped.")
        return 0
    except (config.SettingError, Refused) as error:
        click.echo(error, err=True)
        return 2
    except ServiceError as error:
        click.echo(error, err=True)
        return 1
    return 0


def say(line: str) -> None:
    """Print a line immediately, also to a pipe."""
    click.echo(line)


def _settings() -> dict[str, Any]:
    try:
        settings = config.load()
        instance: Path = settings["PORTAL_INSTANCE"]
        instance.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=instance):
            pass
    except OSError as error:
        folder = os.environ.get("PORTAL_INSTANCE", config.ROOT / "instance")
        raise Refused(f"The data folder {folder} cannot be written: {error.strerror}.") from None
    return settings


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = "in use" if error.errno == errno.EADDRINUSE else f"not usable: {error.strerror}"
            raise Refused(f"Port {port} is {reason}. Set PORTAL_PORT to another one.") from None


def _serve(settings: Mapping[str, Any], started: Services) -> None:
    env = {**os.environ, **started.env, "PYTHONUNBUFFERED": "1"}
    say("Updating the database.")
    _finish(Child("flask portal upgrade", _flask("upgrade")), env)

    sink = mail_sink(settings, os.environ)
    env |= sink.env if sink else {}
    web = Child("web", _gunicorn(settings["PORTAL_PORT"]))
    cron, worker = Child("cron", _flask("cron")), Child("worker", _flask("worker"))
    children = [web, cron, worker, *([sink.child] if sink else [])]
    with stopping(*children):
        # Loading code takes most of the start-up time: the web server starts while the demo data is checked, and the
        # other processes start once it is ready.
        web.start(config.ROOT, env)
        if settings["PORTAL_DEMO"]:
            say("Checking the demo data.")
            _finish(Child("flask portal demo", _flask("demo")), env)
        _wait_until_healthy(web, settings["PORTAL_PORT"])
        if sink:
            sink.child.start(config.ROOT, env)
        cron.start(config.ROOT, env)
        worker.start(config.ROOT, env)
        try:
            # A signal may follow the announcement at once.
            _announce(settings, sink)
            watch(children, started, config.ROOT, env, say)
        except StopRequested:
            say("Stopping.")
            raise


def _flask(command: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "app", "portal", command]


def _gunicorn(port: int) -> list[str]:
    options = {
        "--bind": f"{HOST}:{port}",
        "--workers": "2",
        "--worker-class": "gthread",
        "--threads": "4",
        "--graceful-timeout": "3",
        "--log-level": "warning",
    }
    arguments = [argument for option in options.items() for argument in option]
    # Its control socket would be in the home directory, where two portals would share it.
    return [sys.executable, "-m", "gunicorn", *arguments, "--no-control-socket", "app:create_app()"]


def _finish(child: Child, env: Mapping[str, str]) -> None:
    """Run a command and wait for its end."""
    with stopping(child):
        child.start(config.ROOT, env)
        code = child.wait()
    if code:
        raise ServiceError(f"`{child.name}` failed ({describe(code)}); see its output above.")


def _wait_until_healthy(web: Child, port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not _healthy(port):
        if (code := web.exit_code) is not None:
            raise ServiceError(f"The web server did not start ({describe(code)}); see its output above.")
        if time.monotonic() > deadline:
            raise ServiceError(f"The web server did not respond within {START_TIMEOUT:.0f} s.")
        time.sleep(0.1)


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(settings: Mapping[str, Any], sink: MailSink | None) -> None:
    say(f"\nThe portal is ready: http://localhost:{settings['PORTAL_PORT']}/")
    if settings["PORTAL_DEMO"]:
        say(f"Demo accounts, password {DEMO_PASSWORD}")
        for address, what in DEMO_ACCOUNTS.items():
            say(f"  {address:<22}{what}")
    if sink:
        say(f"Mail is not delivered: NEC staff can read it in the portal, and it is kept in {sink.folder}.")
    say("Press Ctrl-C to stop.\n")


def _stop_on_signals() -> None:
    """Raise ``StopRequested`` for the first signal and ignore further ones, which must not interrupt stopping."""
    signals = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup ignores it on purpose
        signals.append(signal.SIGHUP)

    def stop(_number: int, _frame: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise StopRequested

    for each in signals:
        signal.signal(each, stop)
