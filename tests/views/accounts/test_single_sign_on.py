"""Single sign-on: who is signed in by a tenant's provider, and what is refused."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
import time_machine
from sqlalchemy import select, text

from models.accounts.identity_subject import IdentitySubject
from tests.support.pages import Page
from tests.support.processes import eventually
from tests.support.restoring import draft_of, send_too_late
from tests.support.single_sign_on import EMAIL, REFUSED, begin, come_back, entries, sign_in

NOT_SET_UP = "このメールアドレスではシングルサインオンを利用できません。"
EXPIRED = "有効期限が切れたか、すでに完了しています。"


@pytest.fixture(scope="module")
def real_provider():
    """The URL of an independent OpenID provider, oidc-provider-mock."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: _answers(f"{url}/.well-known/openid-configuration"), seconds=30)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).ok
    except requests.ConnectionError:
        return False


def test_a_member_signs_in_at_a_real_provider(app, make, connect, real_provider):
    tenant = make.tenant()
    connect(tenant, issuer=real_provider)
    user = make.member(tenant, "Partner Operator", email=EMAIL)
    claims = {"email": EMAIL, "email_verified": True}
    requests.put(f"{real_provider}/users/subject-1", json=claims, timeout=5).raise_for_status()
    client = app.test_client()

    sent = begin(client, " One@SSO.example.jp", next="/customers/")
    back = requests.post(sent["url"], data={"sub": "subject-1"}, allow_redirects=False, timeout=5).headers["Location"]
    answer = client.get(back.removeprefix(app.config["PORTAL_URL"]))

    assert sent["code_challenge_method"] == "S256"
    assert sent["redirect_uri"] == f"{app.config['PORTAL_URL']}/single-sign-on/{tenant.id}/callback"
    assert (answer.status_code, answer.location) == (302, "/customers/")
    assert client.get("/customers/").status_code == 200
    bound = make.session.scalars(select(IdentitySubject)).one()
    assert (bound.user_id, bound.issuer, bound.subject) == (user.id, real_provider, "subject-1")
    (entry,) = entries(make, "sign_in.single_sign_on")
    assert (entry.actor, entry.after) == (EMAIL, {"issuer": real_provider, "tenant": tenant.id})


def test_the_sign_in_page_leads_there_and_the_page_leads_on_without_a_redirect(app, tenant, provider):
    client = app.test_client()
    link = Page(client.get("/login/?next=/customers/").text).root.one("a", href="/single-sign-on/?next=/customers/")
    page = Page(client.post("/single-sign-on/", data={"email": EMAIL}).text)

    assert link.text == "シングルサインオンでログイン"
    button = page.main.one("a", class_="btn btn-primary")
    assert (button.text, button.attributes["href"].partition("?")[0]) == ("社員ログイン", f"{provider.url}/authorize")
    assert page.root.one("meta", http_equiv="refresh").attributes["content"] == f"0; url={button.attributes['href']}"


def test_pkce_and_the_secret_are_sent_with_the_code(app, tenant, member, provider):
    client = app.test_client()

    answer = sign_in(client, tenant, provider)

    (form, authorization) = next((form, head) for path, form, head in provider.asked if path == "/token")
    assert answer.location == "/"
    assert (form["code"], len(form["code_verifier"])) == ("c", 43)
    assert authorization.startswith("Basic ")


def test_the_history_of_the_person_has_accepted_and_refused_sign_ins(app, tenant, member, provider):
    client = app.test_client()
    sign_in(client, tenant, provider)
    provider.claims = {"sub": "s-2"}
    sign_in(app.test_client(), tenant, provider)

    history = [row["操作"] for row in Page(client.get("/sessions/").text).rows if "操作" in row]
    assert history == ["シングルサインオンを拒否", "シングルサインオンでサインイン"]


def test_the_session_has_its_browser_and_ip_address(app, tenant, member, provider):
    client = app.test_client()

    sign_in(client, tenant, provider)

    (row,) = [row for row in Page(client.get("/sessions/").text).rows if "ブラウザ" in row]
    assert (row["ブラウザ"], row["IPアドレス"]) == ("不明", "127.0.0.1")


@pytest.mark.parametrize("same_tenant", [True, False], ids=["in its tenant", "in another tenant"])
def test_a_form_sent_too_late_is_restored_in_the_tenant_of_the_provider_alone(
    app, make, tenant, member, provider, signed_in, same_tenant
):
    other = make.tenant()
    make.join(member, other, "Partner Operator")
    late_client = signed_in(member, tenant if same_tenant else other)
    sent = Page(late_client.get("/customers/add").text).main_form.sent({"name": "青空商店"})
    draft = draft_of(send_too_late(late_client, "/customers/add", sent))

    answer = sign_in(app.test_client(), tenant, provider, draft=draft)

    assert draft
    assert answer.location == (f"/restored-form/?draft={draft}" if same_tenant else "/")


def test_every_address_without_a_connection_in_use_gets_the_same_answer(app, make, connect, tenant):
    off, unconfirmed = make.tenant(), make.tenant()
    connect(off, "off.example.jp", active=False)
    connect(unconfirmed, "first.example.jp")
    make.identity_domain(tenant=unconfirmed, domain="new.example.jp", verified_at=None, verified_by=None)

    for email in (
        "a@none.example",
        "a@off.example.jp",
        "a@new.example.jp",
        "a@sub.sso.example.jp",
        "a@localhost.example",
    ):
        answer = app.test_client().post("/single-sign-on/", data={"email": email})
        assert (answer.status_code, NOT_SET_UP in Page(answer.text).error_of("email")) == (422, True), email


def test_a_state_works_once_in_its_browser_for_its_tenant_and_for_ten_minutes(
    app, make, connect, tenant, member, provider
):
    client, other = app.test_client(), app.test_client()
    elsewhere = make.tenant()
    connect(elsewhere, "else.example.jp", issuer=provider.url)
    begin(other)
    sent = [begin(client) for _ in range(4)]

    answers = [
        come_back(other, tenant, sent[0]),
        come_back(client, tenant, sent[0]),
        come_back(client, elsewhere, sent[1]),
        come_back(client, tenant, {"state": "made-up"}),
        come_back(client, tenant, {"state": ""}),
    ]
    provider.claims = {"nonce": sent[2]["nonce"]}
    signed_in = come_back(client, tenant, sent[2])
    with client.session_transaction() as browser:
        browser.pop("_user_id")
    answers.append(come_back(client, tenant, sent[2]))

    assert [(answer.status_code, EXPIRED in answer.text) for answer in answers] == [(400, True)] * 6
    assert signed_in.status_code == 302
    assert 590 < app.extensions["redis"].ttl(next(app.extensions["redis"].scan_iter("single-sign-on:*"))) <= 600


def test_a_provider_that_refuses_or_names_another_issuer_signs_nobody_in(app, make, tenant, member, provider):
    client = app.test_client()

    cancelled = come_back(client, tenant, begin(client), error="access_denied", error_description="<b>no</b>")
    mixed_up = come_back(client, tenant, begin(client), iss="https://evil.example")
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    without = come_back(client, tenant, begin(client))
    right = sign_in(client, tenant, provider, iss=provider.url)

    assert [answer.status_code for answer in (cancelled, mixed_up, without)] == [403] * 3
    assert "<b>" not in cancelled.text
    reasons = [entry.after["reason"] for entry in entries(make, "sign_in.single_sign_on_refused")]
    assert reasons == ["refused_by_provider", "issuer", "issuer"]
    assert right.status_code == 302


def test_another_account_with_the_address_of_a_user_is_refused(app, make, tenant, member, provider):
    make.member(tenant, "Partner Viewer", email="two@sso.example.jp")
    first = sign_in(app.test_client(), tenant, provider)
    provider.claims = {"sub": "s-2"}
    second = sign_in(app.test_client(), tenant, provider)
    provider.claims = {"email": "two@sso.example.jp"}
    renamed = sign_in(app.test_client(), tenant, provider)
    provider.claims = {}
    again = sign_in(app.test_client(), tenant, provider)

    assert [answer.status_code for answer in (first, second, renamed, again)] == [302, 403, 403, 302]
    reasons = [entry.after["reason"] for entry in entries(make, "sign_in.single_sign_on_refused")]
    assert reasons == ["other_subject", "other_subject"]


@pytest.mark.parametrize("who", ["inactive", "of another tenant", "NEC"])
def test_only_active_members_without_a_role_in_every_tenant_are_signed_in(app, make, tenant, provider, who):
    if who == "inactive":
        make.member(tenant, "Partner Operator", email=EMAIL, active=False)
    elif who == "NEC":
        make.join(make.elevated("NEC Staff", email=EMAIL), tenant, "Partner Operator")
    else:
        make.member(make.tenant(), "Partner Operator", email=EMAIL)

    answer = sign_in(app.test_client(), tenant, provider)

    assert (answer.status_code, REFUSED in answer.text) == (403, True)
    (entry,) = entries(make, "sign_in.single_sign_on_refused")
    expected = {"inactive": "inactive", "NEC": "elevated", "of another tenant": "not_a_member"}
    assert entry.after["reason"] == expected[who]


def test_a_session_is_limited_to_the_tenant_of_its_provider(app, make, tenant, member, provider):
    other = make.tenant(name="別のテナント")
    make.join(member, other, "Partner Operator")
    client = app.test_client()

    sign_in(client, tenant, provider)
    listed = Page(client.get("/tenants/").text)
    chosen = client.post("/tenants/select", data={"tenant_id": other.id})
    with client.session_transaction() as browser:
        browser["tenant_id"] = other.id
    forced = client.get("/customers/")
    admin = make.elevated("NEC Admin")
    make.session.execute(
        text(
            "INSERT INTO ab_user_role (user_id, role_id) SELECT :user, role_id FROM ab_user_role WHERE user_id = :admin"
        ),
        {"user": member.id, "admin": admin.id},
    )
    make.session.commit()

    assert "別のテナント" not in listed.main.text
    assert (chosen.status_code, forced.location) == (404, "/tenants/")
    assert client.get("/staff/tenants/").status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE identity_provider SET active = false",
        "UPDATE identity_provider SET issuer = 'https://other.example'",
        "DELETE FROM identity_domain",
    ],
)
def test_a_connection_that_is_changed_meanwhile_signs_nobody_in(
    app, make, tenant, member, provider, monkeypatch, change
):
    client = app.test_client()
    usual = provider.answer

    def changing(path):
        if path == "/jwks":
            make.session.execute(text(change))
            make.session.commit()
        return usual(path)

    monkeypatch.setattr(provider, "answer", changing)

    assert sign_in(client, tenant, provider).status_code == 403
    (entry,) = entries(make, "sign_in.single_sign_on_refused")
    assert entry.after["reason"] == "not_in_use"


def test_the_identity_of_a_request_is_still_read_in_one_statement(app, make, tenant, member, provider, statements):
    client = app.test_client()
    sign_in(client, tenant, provider)
    client.get("/")
    statements.clear()

    client.post("/tenant-settings/", data={"made_in": "T0000000"})

    assert len(statements) == 1


def test_no_transaction_is_open_while_the_provider_is_asked(app, engine, tenant, member, provider, monkeypatch):
    client = app.test_client()
    taken = []
    usual = provider.answer
    monkeypatch.setattr(provider, "answer", lambda path: taken.append(engine.pool.checkedout()) or usual(path))

    sign_in(client, tenant, provider)

    assert taken == [0] * 4


def test_the_pages_are_limited_per_address(app, monkeypatch):
    client = app.test_client()
    answers = [client.get("/single-sign-on/T8000000/callback?state=x") for _ in range(61)]

    assert [answers[0].status_code, answers[59].status_code, answers[60].status_code] == [400, 400, 429]


def test_a_lock_after_wrong_passwords_stays_and_does_not_matter(app, make, tenant, member, provider):
    until = datetime.now(UTC) + timedelta(minutes=30)
    make.session.execute(text("UPDATE ab_user SET locked_until = :until"), {"until": until})
    make.session.commit()

    answer = sign_in(app.test_client(), tenant, provider)

    assert answer.location == "/"
    assert make.session.scalar(text("SELECT locked_until FROM ab_user WHERE id = :id"), {"id": member.id}) == until


def test_redis_that_is_down_is_told(app, tenant, monkeypatch):
    from redis import ConnectionError as Down

    def fail(*_words, **_options):
        raise Down

    monkeypatch.setattr(app.extensions["redis"], "set", fail)
    monkeypatch.setattr(app.extensions["redis"], "getdel", fail)

    assert app.test_client().post("/single-sign-on/", data={"email": EMAIL}).status_code == 503
    assert app.test_client().get(f"/single-sign-on/{tenant.id}/callback?state=x").status_code == 503


def test_an_old_sign_in_is_refused_by_the_time_in_its_token(app, tenant, member, provider):
    client = app.test_client()
    sent = begin(client)
    provider.claims = {"nonce": sent["nonce"], "exp": int(time.time()) + 60}
    provider.id_token = provider.token()

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5)):
        answer = come_back(client, tenant, sent)

    assert answer.status_code == 403


def test_the_provider_decides_about_a_second_factor(app, make, tenant, member, provider):
    make.session.execute(text("UPDATE tenant SET second_factor_required = true"))
    make.session.commit()
    client = app.test_client()
    sign_in(client, tenant, provider)

    assert client.get("/customers/").status_code == 200
