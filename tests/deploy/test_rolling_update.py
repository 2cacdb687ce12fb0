"""The web process of the previous release on the database of this one, beside a web process of this one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

from models import clock
from models.actor import SYSTEM
from models.utms import device_token
from tests.factories import PASSWORD
from tests.support.alerts import line
from tests.support.customer_form import CUSTOMER
from tests.support.fixtures import weak_hash
from tests.support.pages import Page, answered
from tests.support.web_server import web_server

ROOT = Path(__file__).parents[2]
PREVIOUS = ROOT / "deploy" / "previous-release"
(COMMIT,) = (each for each in PREVIOUS.read_text("utf-8").splitlines() if not each.startswith("#"))

NOT_READY_ON_NEWER = "1f18d2d3ffed528c26ac6ff2ef6d44984959a6c0"
"""Code from before the rule that a newer database is no reason not to be ready (docs/operations.md)."""

PATIENCE = 60.0


def in_history(commit: str) -> bool:
    """Tell whether this is a clone whose history contains a commit."""
    try:
        shown = subprocess.run(
            ["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT, check=False, capture_output=True
        )
    except OSError:
        return False
    return shown.returncode == 0


needs_history = pytest.mark.skipif(
    not in_history(COMMIT), reason="needs a clone whose history has the previous release"
)


@pytest.fixture(scope="module")
def previous(service_env, tmp_path_factory):
    """The web process of the previous release, on the database that this version has migrated."""
    folder = tmp_path_factory.mktemp("previous")
    code = folder / "code"
    code.mkdir()
    archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, check=True, capture_output=True)
    subprocess.run(["tar", "--extract", "--directory", code], input=archive.stdout, check=True)
    with web_server(service_env, folder / "log", code=code) as web:
        web.wait()
        yield web


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def user(make, tenant):
    return make.member(tenant, "Partner Operator", password=weak_hash())


@pytest.fixture
def browser():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def send(browser: requests.Session, url: str, **values: str) -> requests.Response:
    """Fill in the form of a page that has these fields, and send it."""
    page = Page(browser.get(url, timeout=PATIENCE).text)
    (form,) = (each for each in page.forms if values.keys() <= each.names)
    return browser.post(url, data=answered(form.sent(**values)).to_dict(flat=False), timeout=PATIENCE)


def sign_in(browser: requests.Session, root: str, user) -> requests.Response:
    return send(browser, f"{root}/login/", email=user.email, password=PASSWORD)


def pages() -> list[str]:
    """Return the addresses of the pages without parameters that an operator sees in this version."""
    lines = (ROOT / "tests" / "conventions" / "role_routes.txt").read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line.startswith("GET /")]
    return [row[1] for row in rows if "<" not in row[1] and row[4] == "200"]


@needs_history
def test_its_pages_have_no_error(previous, browser, user, make, tenant):
    customer, _ = make.customer_with_utm(tenant)
    make.contract_line(contract=make.contract(customer_row=customer))
    make.ticket_message(ticket_row=make.ticket(tenant=tenant))
    sign_in(browser, previous.url, user)

    answers = {path: browser.get(previous.url + path, timeout=PATIENCE).status_code for path in pages()}

    seen = {path for path, status in answers.items() if status == 200}
    assert seen >= {"/", "/customers/", "/utms/", "/contracts/", "/tickets/", "/tenant-settings/", "/audit-log/"}
    # It does not have the others, or they want more than a GET.
    assert {path: status for path, status in answers.items() if status not in {200, 400, 404}} == {}


@needs_history
def test_it_signs_users_in_and_creates_customers(previous, browser, user, make, tenant):
    entered = sign_in(browser, previous.url, user)
    created = send(browser, f"{previous.url}/customers/add", **CUSTOMER)

    assert user.email in entered.text
    assert created.status_code == 200
    rows = make.session.execute(text("SELECT tenant_id, name, status FROM customer")).all()
    assert [tuple(row) for row in rows] == [(tenant.id, "株式会社あおぞら製作所", "draft")]
    details = browser.get(created.url, timeout=PATIENCE)
    assert (details.status_code, "hanako@example.com" in details.text) == (200, True)


@needs_history
def test_it_takes_heartbeats_and_alerts(previous, make, tenant):
    _, utm = make.customer_with_utm(tenant)
    token = device_token.issue(make.session, utm, now=clock.utc_now(), by=SYSTEM)
    make.session.commit()
    api, headers = f"{previous.url}/api/device/v1", {"Authorization": f"Bearer {token}"}
    body = b"\n".join(line(number, at=clock.utc_now()) for number in range(3))

    beat = requests.post(f"{api}/heartbeat", data=b"{}", headers=headers, timeout=PATIENCE)
    sent = requests.post(f"{api}/alerts", data=body, headers=headers, timeout=PATIENCE)

    assert (beat.status_code, sent.status_code) == (200, 200)
    assert make.session.scalar(text("SELECT count(*) FROM alert")) == 3
    assert make.session.scalar(text("SELECT last_seen_at IS NOT NULL FROM utm")) is True


@needs_history
def test_a_session_is_valid_in_both_versions(previous, browser, app, user, make, tenant):
    make.customer(tenant=tenant, name="株式会社みどり商店")
    sign_in(browser, previous.url, user)
    old_cookie = browser.cookies["portal_session"]
    of_this = app.test_client()
    of_this.set_cookie("portal_session", old_cookie)

    assert "株式会社みどり商店" in of_this.get("/customers/").text

    newer = app.test_client()
    newer.post("/login/", data={"email": user.email, "password": PASSWORD})
    cookie = newer.get_cookie("portal_session")
    assert cookie is not None
    page = requests.get(
        f"{previous.url}/customers/", cookies={"portal_session": cookie.value}, timeout=PATIENCE, allow_redirects=False
    )
    assert (page.status_code, "株式会社みどり商店" in page.text) == (200, True)


@needs_history
def test_it_stays_ready(previous, browser):
    checks = browser.get(f"{previous.url}/readyz", timeout=PATIENCE).json()["checks"]

    assert (checks["database"], checks["redis"]) == (True, True)
    assert checks["migrations"] is (COMMIT != NOT_READY_ON_NEWER)


def test_the_previous_release_is_a_whole_commit():
    assert re.fullmatch("[0-9a-f]{40}", COMMIT)
