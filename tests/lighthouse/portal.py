"""A portal with demonstration data to load pages of, served as in production: gunicorn, and compressed static files."""

from __future__ import annotations

import http.cookiejar
import os
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from sqlalchemy.engine import make_url

from app.local.embedded import services
from app.local.launch import DEMO_PASSWORD
from config import ROOT
from tests.smoke.portal import send

USER = "operator@example.jp"
COMMAND = (
    "--worker-class",
    "gthread",
    "--workers",
    "2",
    "--threads",
    "4",
    "--no-control-socket",
    "--log-level",
    "error",
)
"""As README.md says."""

_START_TIMEOUT = 60.0
_INVITATION = re.compile(r'value="([^"]*/apply/[^"]+)"')
_MOST_ALERTS = """
SELECT customer_id FROM alert WHERE tenant_id IN (
    SELECT tenant_id FROM membership JOIN ab_user ON ab_user.id = membership.user_id WHERE email = %s
) GROUP BY customer_id ORDER BY count(*) DESC LIMIT 1
"""


@dataclass(frozen=True)
class Portal:
    """A running portal.

    :ivar cookie: the session of its operator, as the header says it.
    :ivar pages: the addresses of the operator's pages.
    :ivar public_pages: those of the pages for everybody.
    """

    cookie: str
    pages: dict[str, str]
    public_pages: dict[str, str]


@contextmanager
def portal(instance: Path) -> Iterator[Portal]:
    """Start the portal, sign in, and find the pages.

    :param instance: the folder for its data, which is made if it is not there.
    """
    instance.mkdir(parents=True, exist_ok=True)
    # Nothing of the caller's: neither its database nor its settings.
    outside = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    log = instance / "portal.log"
    with (
        services(instance, {}) as started,
        socket.create_server(("127.0.0.1", 0)) as listener,
        log.open("w") as output,
    ):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        env = {**outside, **started.env, "PORTAL_INSTANCE": str(instance), "PORTAL_DEMO": "1", "PORTAL_URL": url}
        for command in ("upgrade", "demo"):
            words = [sys.executable, "-m", "flask", "--app", "app", "portal", command]
            subprocess.run(words, cwd=ROOT, env=env, stdout=output, check=True)
        with _gunicorn(listener, env, output):
            owner = make_url(env["DATABASE_OWNER_URL"]).set(drivername="postgresql")
            with psycopg.connect(owner.render_as_string(hide_password=False)) as connection:
                (customer_id,) = connection.execute(_MOST_ALERTS, [USER]).fetchone()
            yield _signed_in(url, customer_id)


@contextmanager
def _gunicorn(listener: socket.socket, env: dict[str, str], output: IO[str]) -> Iterator[None]:
    bound = f"--bind=fd://{listener.fileno()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", bound, *COMMAND, "tests.lighthouse.compressed:create_app()"],
        cwd=ROOT,
        env=env,
        stdout=output,
        stderr=output,
        pass_fds=[listener.fileno()],
    )
    try:
        # Requests wait in line until a worker is there.
        with urllib.request.urlopen(f"http://127.0.0.1:{listener.getsockname()[1]}/healthz", timeout=_START_TIMEOUT):
            yield
    finally:
        process.terminate()
        process.wait(_START_TIMEOUT)


def _signed_in(url: str, customer_id: str) -> Portal:
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    # Signing in leads to the dashboard, so that its dialog, which opens once, is over.
    send(browser, f"{url}/login/", {"email": USER, "password": DEMO_PASSWORD})
    with browser.open(f"{url}/service-applications/invitation") as answer:
        found = _INVITATION.search(answer.read().decode())
    if not found:
        raise RuntimeError("The page of the invitation shows no URL.")
    pages = {
        "dashboard": f"{url}/",
        "customers": f"{url}/customers/",
        "alerts of a customer": f"{url}/customers/{customer_id}/alerts/",
    }
    cookie = "; ".join(f"{each.name}={each.value}" for each in jar)
    return Portal(cookie, pages, {"application form (public)": found[1]})
