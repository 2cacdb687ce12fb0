"""パスキー: registering them, and signing in with one after the password or alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select, text

from models.accounts.passkey import Passkey, Site
from models.accounts.user import User
from models.mail.outbox import MailMessage
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.pages import Page
from tests.support.soft_passkey import ORIGIN, SoftPasskey

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_localhost(app, monkeypatch):
    monkeypatch.setitem(app.config, "PORTAL_URL", ORIGIN)


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def member(make, tenant):
    return make.member(tenant, "Partner Operator", email="one@example.jp", password=weak_hash())


@pytest.fixture
def client(member, tenant, signed_in):
    return signed_in(member, tenant)


def options(client, url):
    return json.loads(client.get(url).text)


def add(client, key, name="仕事用PC", **changed):
    sent = {"name": name, "current_password": PASSWORD}
    return client.post(
        "/passkeys/add", data=sent | {"passkey": key.create(options(client, "/passkeys/options"))} | changed
    )


@pytest.fixture
def key(make, client, member):
    """A registered passkey of the member."""
    made = SoftPasskey()
    assert add(client, made).location == "/second-factor/"
    return made


def actions(make, *, last):
    make.session.rollback()
    return list(make.session.scalars(text("SELECT action FROM audit_entry ORDER BY id")))[-last:]


def after_password(app):
    client = app.test_client()
    client.post("/login/", data={"email": "one@example.jp", "password": PASSWORD})
    return client


def second(client, key, **how):
    return client.post("/second-step/", data={"passkey": key.get(options(client, "/second-step/passkey"), **how)})


def alone(client, key, **how):
    response = key.get(options(client, "/passkey-sign-in/options"), **how)
    return client.post("/passkey-sign-in/?next=/customers/", data={"passkey": response})


def test_passkeys_are_added_renamed_and_removed_with_mails(client, make, member):
    first, other = SoftPasskey(), SoftPasskey()
    add(client, first)
    shown = client.get("/second-factor/").text
    add(client, other, "スマートフォン")
    keys = {row.name: row.id for row in make.session.scalars(select(Passkey))}
    client.post(f"/passkeys/{keys['仕事用PC']}/name", data={"name": " 自宅PC "})
    page = Page(client.get("/second-factor/").text)
    for passkey_id in keys.values():
        client.post(f"/passkeys/{passkey_id}/remove", data={"current_password": PASSWORD})

    assert shown.count("-") >= 30  # recovery codes
    assert page.column("名前") == ["自宅PC", "スマートフォン"]
    assert [len(each["excludeCredentials"]) for each in (options(client, "/passkeys/options"),)] == [0]
    added, removed = ["second_factor.added"] * 2, ["second_factor.removed"] * 2
    assert actions(make, last=9) == [*added, "second_factor.renamed", *removed]
    mails = make.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
    assert [mail.kind for mail in mails] == ["second_factor_added"] * 2 + ["second_factor_removed"] * 2
    assert "パスキー「自宅PC」" in mails[2].body
    make.session.expire_all()
    assert not make.session.get_one(User, member.id).has_second_factor


@pytest.mark.parametrize(
    "wrong",
    [
        {"current_password": "wrong"},
        {"name": "\u200b"},
        {"name": "x" * 51},
        {"passkey": ""},
        {"passkey": "{}"},
        {"passkey": "[1]"},
        {"passkey": "x" * 20_000},
        "origin",
        "host",
    ],
    ids=str,
)
def test_no_passkey_is_added_with(client, make, wrong):
    key = {"origin": SoftPasskey(origin="https://evil.example"), "host": SoftPasskey(host="evil.example")}
    answer = add(client, SoftPasskey(), **wrong) if isinstance(wrong, dict) else add(client, key[wrong])

    assert answer.status_code == 422
    assert make.session.scalars(select(Passkey)).all() == []


def test_the_passkeys_of_others_are_out_of_reach(client, make, tenant):
    theirs = make.passkey(make.member(tenant, "Partner Viewer"))

    for page in ("name", "remove"):
        assert client.get(f"/passkeys/{theirs.id}/{page}").status_code == 404
        sent = {"name": "x", "current_password": PASSWORD}
        assert client.post(f"/passkeys/{theirs.id}/{page}", data=sent).status_code == 404


def test_a_passkey_is_a_second_factor(app, make, key):
    client = after_password(app)

    answer = second(client, key, verified=False)

    assert (answer.location, client.get("/customers/").status_code) == ("/", 200)
    assert actions(make, last=2) == ["sign_in.second_step", "sign_in.succeeded"]
    assert make.session.scalars(select(Passkey.sign_count)).one() == 1


def test_the_passkey_of_somebody_else_is_no_second_factor(app, make, key, tenant, signed_in):
    other = make.member(tenant, "Partner Viewer", email="two@example.jp", password=weak_hash())
    theirs = SoftPasskey()
    add(signed_in(other, tenant), theirs)

    answer = second(after_password(app), theirs)

    assert answer.status_code == 401
    assert actions(make, last=1) == ["sign_in.refused"]


def test_a_challenge_works_once_for_one_purpose_and_for_five_minutes(app, make, key, tenant):
    allow(make, tenant)
    with time_machine.travel(START, tick=False) as clock:
        replayed = after_password(app)
        cookie = replayed.get_cookie("portal_session").value
        response = key.get(options(replayed, "/second-step/passkey"))
        challenged = replayed.get_cookie("portal_session").value
        first = replayed.post("/second-step/", data={"passkey": response})
        copy = app.test_client()
        copy.set_cookie("portal_session", challenged)
        key_row = make.session.scalars(select(Passkey)).one()
        key_row.sign_count = 0
        make.session.commit()
        again = copy.post("/second-step/", data={"passkey": response})

        other_purpose = app.test_client()
        response = key.get(options(other_purpose, "/passkey-sign-in/options"))
        with other_purpose.session_transaction() as session:
            session["passkey_challenge"][0] = "new passkey"
            session.modified = True
        misused = other_purpose.post("/passkey-sign-in/", data={"passkey": response})

        late = app.test_client()
        response = key.get(options(late, "/passkey-sign-in/options"))
        clock.shift(timedelta(seconds=301))
        expired = late.post("/passkey-sign-in/", data={"passkey": response})

    assert cookie != challenged
    assert (first.status_code, again.status_code) == (302, 401)
    assert (misused.location, expired.location) == ("/login/", "/login/")


def test_a_passkey_whose_counter_went_back_was_copied(app, key):
    assert second(after_password(app), key).status_code == 302
    key.count -= 1

    assert second(after_password(app), key).status_code == 401


def allow(make, tenant):
    tenant.passkey_sign_in = True
    make.save(tenant)


def test_a_passkey_alone_signs_in_where_the_tenant_allows_it(app, make, key, tenant):
    client = app.test_client()
    refused = alone(client, key)
    allow(make, tenant)

    answer = alone(client, key)

    assert refused.location == "/login/?next=/customers/"
    assert (answer.location, client.get("/customers/").status_code) == ("/customers/", 200)
    assert actions(make, last=2) == ["sign_in.refused", "sign_in.succeeded"]
    history = [row["操作"] for row in Page(client.get("/sessions/").text).rows if "操作" in row]
    assert history == ["ログイン", "ログイン拒否"]


@pytest.mark.parametrize(
    "why", ["not verified", "another tenant", "single sign-on only", "inactive", "locked", "unknown", "wrong key"]
)
def test_a_passkey_alone_is_refused(app, make, key, member, tenant, why):
    allow(make, tenant)
    if why == "another tenant":
        make.join(member, make.tenant(), "Partner Viewer")
    elif why == "single sign-on only":
        make.session.execute(text("UPDATE tenant SET password_sign_in = false"))
        make.session.commit()
    elif why in {"inactive", "locked"}:
        change = "active = false" if why == "inactive" else "locked_until = now() + interval '1 hour'"
        make.session.execute(text(f"UPDATE ab_user SET {change}"))
        make.session.commit()
    used = SoftPasskey() if why in {"unknown", "wrong key"} else key
    if why == "wrong key":
        used.credential_id = key.credential_id

    answer = alone(app.test_client(), used, verified=why != "not verified")

    assert answer.location == "/login/?next=/customers/"
    assert actions(make, last=1) == ["sign_in.refused"]


@pytest.mark.parametrize(("setting", "location"), [(True, "/customers/"), (False, "/login/?next=/customers/")])
def test_necs_roles_sign_in_with_a_passkey_where_the_setting_says_so(
    app, make, signed_in, tenant, monkeypatch, setting, location
):
    monkeypatch.setitem(app.config, "NEC_PASSKEY_SIGN_IN", setting)
    key = SoftPasskey()
    add(signed_in(make.elevated("NEC Staff", password=weak_hash()), tenant), key)
    answer = alone(app.test_client(), key)

    # Without a tenant, the list of tenants comes first.
    assert answer.location == ("/tenants/" if setting else location)


@pytest.mark.parametrize(
    ("url", "usable"),
    [
        ("https://portal.example", True),
        ("https://portal.example:8443/partner", True),
        ("http://localhost:8080", True),
        ("http://portal.example", False),
        ("https://192.0.2.1", False),
        ("http://127.0.0.1:8080", False),
        ("https://[::1]", False),
    ],
)
def test_passkeys_are_offered_only_where_browsers_allow_them(app, client, monkeypatch, url, usable):
    monkeypatch.setitem(app.config, "PORTAL_URL", url)
    at = url.removesuffix("/partner")

    assert ("/passkey-sign-in/" in app.test_client().get("/login/", base_url=at).text) is usable
    assert app.test_client().get("/passkey-sign-in/options", base_url=at).status_code == (200 if usable else 404)


def test_no_passkeys_are_offered_at_another_host_than_theirs(app, client):
    elsewhere = {"base_url": "http://127.0.0.1:8080"}

    assert "/passkey-sign-in/" not in app.test_client().get("/login/", **elsewhere).text
    assert app.test_client().get("/passkey-sign-in/options", **elsewhere).status_code == 404
    assert client.get("/passkeys/add").status_code == 200
    assert "/passkeys/add" in client.get("/second-factor/").text


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Portal.example:8443/partner", "https://portal.example:8443"),
        ("https://portal.example:443", "https://portal.example"),
    ],
)
def test_the_origin_is_written_as_browsers_do(url, origin):
    site = Site.of(url, name="x")

    assert (site.origin, site.host) == (origin, "portal.example")
