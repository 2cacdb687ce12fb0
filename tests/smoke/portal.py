"""Start the portal with an interpreter, sign in, and have a worker do one job: send a mail."""

from __future__ import annotations

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.local.launch import DEMO_PASSWORD
from tests.support.processes import eventually

ROOT = Path(__file__).parents[2]
READY = "Press Ctrl-C to stop."
USER = "operator@example.jp"
ADDRESS = "smoke@example.jp"
START_TIMEOUT = 300.0
"""Seconds until the portal must be ready, with its demonstration data."""

MAIL_TIMEOUT = 90.0
"""Seconds until the mail must have arrived. A wake-up that was lost is made up for once a minute."""

_INPUT = re.compile(r"<input[^>]*>")
_ATTRIBUTE = re.compile(r'(\w[\w-]*)="([^"]*)"')


class Failed(Exception):
    """The portal does not do what it should; the message says what."""


def check(python: str, instance: Path) -> None:
    """Run the portal with an interpreter whose environment has its packages.

    :param python: the interpreter.
    :param instance: an empty folder for its data.
    :raises Failed: it does not start, does not let anybody in, or sends no mail.
    """
    with _running(python, instance) as url:
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        send(browser, f"{url}/login/", {"email": USER, "password": DEMO_PASSWORD})
        page = send(browser, f"{url}/notification-addresses/", {"address1": ADDRESS, "again1": ADDRESS})
        if ADDRESS not in page:
            raise Failed("The notification address was not saved.")
        _wait_for_mail(instance / "mailbox")


@contextmanager
def _running(python: str, instance: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Services and settings of the person who runs this must not be used.
    given = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    env = given | {"PORTAL_INSTANCE": str(instance), "PORTAL_PORT": str(port), "PORTAL_DEMO": "1"}
    log = instance.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen([python, "app.py"], cwd=ROOT, env=env, stdout=output, stderr=output)
    try:
        _wait_until_ready(process, log)
        yield f"http://127.0.0.1:{port}"
    except (Failed, OSError) as error:
        raise Failed(f"{error} Its output:\n{log.read_text()}") from error
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=60)
    if code != 0:
        raise Failed(f"The portal ended with exit code {code}.")


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    eventually(lambda: READY in log.read_text() or process.poll() is not None, seconds=START_TIMEOUT)
    if READY not in log.read_text():
        raise Failed("The portal did not start.")


def send(browser: urllib.request.OpenerDirector, url: str, values: Mapping[str, str]) -> str:
    """Fill in the form of a page, send it, and return the page that follows."""
    with browser.open(url, timeout=30) as answer:
        page = answer.read().decode()
    fields = hidden_fields(page)
    # The question whether to save is answered with OK.
    fields.pop("ask", None)
    request = urllib.request.Request(url, urllib.parse.urlencode(fields | dict(values)).encode())
    with browser.open(request, timeout=30) as answer:
        if answer.url.startswith(url) and "is-invalid" in (page := answer.read().decode()):
            raise Failed(f"The form of {urllib.parse.urlsplit(url).path} was refused.")
        return page if answer.url.startswith(url) else answer.read().decode()


def hidden_fields(page: str) -> dict[str, str]:
    """Return names and values of the hidden fields of a page."""
    inputs = [dict(_ATTRIBUTE.findall(each)) for each in _INPUT.findall(page)]
    return {each["name"]: each.get("value", "") for each in inputs if each.get("type") == "hidden" and "name" in each}


def _wait_for_mail(mailbox: Path) -> None:
    def arrived() -> bool:
        return any(f"To: {ADDRESS}" in mail.read_text() for mail in mailbox.glob("new/*"))

    if not eventually(arrived, seconds=MAIL_TIMEOUT):
        raise Failed("The worker sent no mail.")
