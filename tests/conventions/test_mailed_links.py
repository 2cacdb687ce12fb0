"""Every link in a mail: what its token is, what the database keeps of it, and how often and how long it works."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from models import clock
from models.accounts import password_link
from models.accounts.user import User
from models.actor import SYSTEM
from models.db import Base
from models.notifications import address_rules
from models.notifications.address_rules import AddressChange
from models.portal_users import rules as portal_user_rules
from models.portal_users.portal_user import PortalUser
from models.portal_users.rules import PortalUserChange
from models.tenants import api_token
from tests.support.public_forms import ENTERED, Visitor
from views.public_applications.links import invitation_url

KINDS = {
    "password": ("password_link", "/setup/"),
    "address": ("address_link", "/confirm-address/"),
    "application": ("service_application", "/confirm-application/"),
    "sign-up": ("portal_user_link", ""),
    "reset": ("portal_user_link", ""),
}
"""The table of each kind of link, and its page; the links without one lead to the customers' portal, which uses our API."""

IN_TWO_STEPS = {"user_invitation": "/register/"}
"""Tested in tests/views/accounts/test_registration.py: a form of several pages is not used with one request."""

NOT_MAILED = {
    "device_token": "shown once, for a UTM, until it is revoked",
    "portal_token": "shown once, for the customers' portal, until it is revoked",
    "user_session": "kept in a cookie",
}
NEW_PASSWORD = {"password": "Aozora-Wakaba-7", "confirmation": "Aozora-Wakaba-7"}


@dataclass
class Link:
    """A link that was just mailed.

    :ivar open: its page.
    :ivar use: does what the link is for.
    """

    table: str
    token: str
    open: Callable[[], TestResponse]
    use: Callable[[], TestResponse]


@pytest.fixture
def mailed(app, make, in_tenant) -> Callable[[str], Link]:
    """Mail a link of a kind: ``mailed("password")``."""
    tenant = make.tenant()
    user, portal_user = (
        make.member(tenant, "Partner Viewer"),
        make.portal_user(customer_row=make.customer(tenant=tenant)),
    )
    numbers = iter(range(9))

    def send(kind: str, session: Session) -> None:
        if kind == "password":
            person = session.get(User, user.id)
            password_link.send(session, person, portal_url="https://x.jp", now=clock.utc_now(), by=SYSTEM)
        elif kind == "address":
            request = AddressChange(tenant, lambda token: f"https://x.jp/{token}", clock.utc_now(), SYSTEM)
            number = next(numbers)
            address_rules.change(session, [f"n{number}@example.jp", "", ""], version=number, request=request)
        else:
            person = session.get(PortalUser, portal_user.id)
            ask = PortalUserChange(now=clock.utc_now(), by=SYSTEM, url_of=lambda _, token: f"https://x.jp/{token}")
            if kind == "reset":
                person.signed_up_at = clock.utc_now()
                portal_user_rules.reset_password(session, person, request=ask)
            else:
                portal_user_rules.send_again(session, person, request=ask)

    def new(kind: str) -> Link:
        if kind == "application":
            with app.test_request_context():
                form = invitation_url(tenant.id, 1)
            Visitor(app, f"/apply/{form.rpartition('/')[2]}", ENTERED).send()
        else:
            with in_tenant(tenant.id) as session:
                send(kind, session)
                session.commit()
        token = make.session.scalar(text("SELECT secret FROM mail_message ORDER BY id DESC LIMIT 1"))
        make.session.rollback()
        table, page = KINDS[kind]
        return Link(table, token, lambda: app.test_client().get(f"{page}{token}"), lambda: use(page, token))

    def use(page: str, token: str) -> TestResponse:
        if page:
            return app.test_client().post(f"{page}{token}", data=NEW_PASSWORD)
        headers = {"Authorization": f"Bearer {api}", "Idempotency-Key": secrets.token_hex(8)}
        return app.test_client().post("/api/customer/v1/sign-ups/verify", json={"token": token}, headers=headers)

    with in_tenant(tenant.id) as session:
        _, api = api_token.create(session, "顧客ポータル", now=clock.utc_now(), by=SYSTEM)
        session.commit()
    return new


def test_every_table_with_a_token_is_known():
    tables = {name for name, table in Base.metadata.tables.items() if "token_hash" in table.columns}

    assert tables == {table for table, _ in KINDS.values()} | set(IN_TWO_STEPS) | set(NOT_MAILED)


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_is_256_random_bits_of_which_the_database_keeps_a_hash(mailed, database, monkeypatch, kind):
    drawn = []
    real = secrets.token_bytes
    monkeypatch.setattr(secrets, "token_bytes", lambda number=None: drawn.append(real(number)) or drawn[-1])

    link = mailed(kind)

    random = base64.urlsafe_b64decode(link.token[-43:] + "=")
    assert (len(random), random in drawn) == (32, True)
    found = database(sql.SQL("strpos(line::text, {}) > 0").format(sql.Literal(link.token)))
    # The outbox forgets it with the delivery: tests/jobs/test_mail.py.
    assert {table: rows for table, rows, _ in found if rows} == {"mail_message": 1}


@pytest.mark.parametrize("kind", [kind for kind, (_, page) in KINDS.items() if page])
def test_opening_a_link_changes_nothing_and_tells_nobody_its_token(mailed, database, kind):
    link = mailed(kind)
    before = database()

    answer = link.open()

    assert answer.status_code == 200
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert database() == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_works_once(mailed, database, kind):
    link = mailed(kind)
    new = database()
    first, used = link.use(), database()

    again, after = link.use(), database()

    assert used != new
    assert first.status_code < 400
    assert without_calls(after) == without_calls(used)
    assert again.text != first.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_ends_with_its_time(mailed, database, make, kind):
    link = mailed(kind)
    ends = make.session.scalar(text(f"SELECT expires_at FROM {link.table}"))
    assert ends <= clock.utc_now() + timedelta(days=7)
    make.session.execute(text(f"UPDATE {link.table} SET expires_at = now() - interval '1 second'"))
    make.session.commit()
    before = database()

    answer = link.use()

    assert answer.status_code in {404, 410}
    assert without_calls(database()) == without_calls(before)


def without_calls(looked: list[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """What was seen of the database but for what an API notes of its calls: that the token was used, and the key of a call."""
    return [each for each in looked if each[0] not in {"portal_token", "api_call"}]
