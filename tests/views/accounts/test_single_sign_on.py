"""Single sign-on: who is signed in by a tenant's provider, and what is refused."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import time_machine
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select, text

from models.accounts.identity_subject import IdentitySubject
from models.accounts.provider_client import GOOGLE, TokenRefused, person
from models.accounts.provider_http import Network, ProviderError, _check_target
from models.audit import AuditEntry
from models.tenants import sealed_secret
from models.tenants.identity_domain import domain_of
from tests.support.fixtures import weak_hash
from tests.support.openid_provider import OTHER_KEY, running_provider
from tests.support.pages import Page

EMAIL = "one@sso.example.jp"
NOT_SET_UP = "このメールアドレスではシングルサインオンを利用できません。"
REFUSED = "サインインできませんでした。"
UNAVAILABLE = "組織のサインインサービスに接続できないか"
EXPIRED = "有効期限が切れたか、すでに完了しています。"


@pytest.fixture(scope="module")
def server():
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(server):
    server.reset()
    return server


@pytest.fixture
def connect(app, make):
    """Connect a tenant with a provider: ``connect(tenant, issuer=...)``."""

    def connected(tenant, domain="sso.example.jp", **values):
        sealed = sealed_secret.seal(app.config["SECRET_KEY"], tenant.id, "the secret")
        make.identity_domain(tenant=tenant, domain=domain)
        return make.identity_provider(tenant=tenant, client_secret=sealed, **values)

    return connected


@pytest.fixture
def tenant(make, connect, provider):
    """A tenant that is connected with the small provider."""
    made = make.tenant()
    connect(made, issuer=provider.url)
    return made


@pytest.fixture
def member(make, tenant):
    return make.member(tenant, "Partner Operator", email=EMAIL, password=weak_hash())


def begin(client, email=EMAIL, **query):
    """Type the address: the arguments of the URL that the browser is led to."""
    answer = client.post("/single-sign-on/", data={"email": email}, query_string=query)
    assert answer.status_code == 200, Page(answer.text).main.text
    url = Page(answer.text).root.one("a", class_="btn btn-primary").attributes["href"]
    return dict(parse_qsl(urlsplit(url).query)) | {"url": url}


def come_back(client, tenant, sent, **query):
    return client.get(
        f"/single-sign-on/{tenant.id}/callback", query_string={"state": sent["state"], "code": "c"} | query
    )


def sign_in(client, tenant, provider, **query):
    """A whole sign-in at the small provider: the answer to the return."""
    sent = begin(client)
    provider.claims = {"nonce": sent["nonce"]} | provider.claims
    return come_back(client, tenant, sent, **query)


def entries(make, action):
    make.session.expire_all()
    return make.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()


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
        deadline = time.monotonic() + 30
        while True:
            try:
                requests.get(f"{url}/.well-known/openid-configuration", timeout=1)
                break
            except requests.ConnectionError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


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

    assert link.text == "シングルサインオンでサインイン"
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


CLAIMS = {
    "nonce": ({"nonce": "other"}, "claim_nonce"),
    "no nonce": ({"nonce": None}, "claim_nonce"),
    "audience": ({"aud": "other"}, "claim_aud"),
    "one of several audiences, for another": ({"aud": ["portal", "other"], "azp": "other"}, "claim_azp"),
    "issuer": ({"iss": "https://evil.example"}, "claim_iss"),
    "expired": ({"exp": 1_700_000_000}, "expired"),
    "no expiry": ({"exp": None}, "claim_exp"),
    "from the future": ({"iat": 4_000_000_000}, "claim_iat"),
    "no subject": ({"sub": None}, "claim_sub"),
    "a subject that cannot be stored": ({"sub": "a\0b"}, "claim_sub"),
    "another domain": ({"email": "one@example.jp"}, "domain"),
    "a domain that only looks like it": ({"email": "one@sso.example.jp.evil.example"}, "domain"),
    "two addresses": ({"email": "one@evil.example@sso.example.jp"}, "domain"),
    "no address": ({"email": None}, "no_address"),
    "an address that cannot be stored": ({"email": "o\0ne@sso.example.jp"}, "no_address"),
    "not verified": ({"email_verified": False}, "address_not_verified"),
    "verified unknown": ({"email_verified": None}, "address_not_verified"),
    "unknown person": ({"email": "two@sso.example.jp"}, "unknown_address"),
}


@pytest.mark.parametrize(("claims", "reason"), CLAIMS.values(), ids=CLAIMS)
def test_an_id_token_that_says_something_else_is_refused(app, make, tenant, member, provider, claims, reason):
    client = app.test_client()
    provider.claims = claims

    answer = sign_in(client, tenant, provider)

    assert (answer.status_code, REFUSED in answer.text) == (403, True)
    assert client.get("/").location == "/login/"
    (entry,) = entries(make, "sign_in.single_sign_on_refused")
    assert (entry.after["reason"], entry.after["issuer"]) == (reason, provider.url)
    assert make.session.scalar(text("SELECT count(*) FROM user_session")) == 0


@pytest.mark.parametrize("kind", ["none", "HS256 with the secret", "another key", "no token", "nonsense"])
def test_an_id_token_without_a_right_signature_is_refused(app, make, tenant, member, provider, kind):
    client = app.test_client()
    sent = begin(client)
    provider.claims = {"nonce": sent["nonce"]}
    match kind:
        case "none":
            provider.id_token = provider.unsigned()
        case "another key":
            provider.key = OTHER_KEY
        case "no token":
            provider.answers["/token"] = (200, {}, b'{"access_token": "a", "token_type": "Bearer"}')
        case "nonsense":
            provider.id_token = "a.b.c"
        case _:
            key = OctKey.import_key("the secret" * 4)
            provider.id_token = jwt.encode({"alg": "HS256"}, provider.all_claims(), key, algorithms=["HS256"])

    answer = come_back(client, tenant, sent)

    assert answer.status_code == 403
    (entry,) = entries(make, "sign_in.single_sign_on_refused")
    assert entry.after["reason"] == ("no_token" if kind == "no token" else "signature")


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


def test_entra_needs_trust_in_its_addresses_and_google_its_workspace(connect):
    domains = frozenset({"sso.example.jp"})
    entra = {"iss": "https://login.example.jp", "sub": "s", "email": EMAIL}
    google = entra | {"iss": GOOGLE, "email_verified": True}

    def reason(claims, *, trusts_addresses=True):
        try:
            return person(claims, domains, trusts_addresses=trusts_addresses).email
        except TokenRefused as refused:
            return refused.reason

    assert reason(entra) == EMAIL
    assert reason(entra, trusts_addresses=False) == "address_not_verified"
    assert reason(entra | {"email_verified": False}) == "address_not_verified"
    assert reason(google) == "not_of_workspace"
    assert reason(google | {"hd": "sso.example.jp"}) == EMAIL
    assert reason(google | {"email": "x@日本語.jp"}) == "domain"
    assert (domain_of("x@日本語.JP"), domain_of("x"), domain_of("@a.jp")) == ("xn--wgv71a119e.jp", None, None)


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


class TestUnusableProviders:
    """Of which people are told, instead of an error of the portal."""

    @pytest.fixture(
        params=["down", "500", "no JSON", "a list", "other issuer", "no TLS", "redirect", "large", "script"]
    )
    def broken(self, request, provider, make, monkeypatch, app):
        path = "/.well-known/openid-configuration"
        match request.param:
            case "down":
                make.session.execute(text("UPDATE identity_provider SET issuer = 'http://127.0.0.1:9'"))
                make.session.commit()
            case "500":
                provider.answers[path] = (500, {}, b"")
            case "no JSON":
                provider.answers[path] = (200, {}, b"<html>")
            case "a list":
                provider.answers[path] = (200, {}, b"[]")
            case "other issuer":
                provider.metadata = {"issuer": "https://evil.example"}
            case "no TLS":
                monkeypatch.setitem(app.config, "PRODUCTION", True)
            case "redirect":
                provider.answers[path] = (302, {"Location": "http://169.254.169.254/"}, b"")
            case "large":
                provider.answers[path] = (200, {}, b"[" + b" " * 300_000 + b"]")
            case "script":
                provider.metadata = {"authorization_endpoint": "javascript:alert(1)"}

    def test_at_the_start(self, app, tenant, broken):
        answer = app.test_client().post("/single-sign-on/", data={"email": EMAIL})

        assert (answer.status_code, UNAVAILABLE in answer.text) == (502, True)

    @pytest.mark.parametrize("path", ["/token", "/jwks"])
    @pytest.mark.parametrize(
        "body", [b"", b"[]", b'{"keys": 1, "error": "invalid_grant"}', b'{"keys": [{"kty": "RSA"}]}']
    )
    def test_at_the_end(self, app, tenant, member, provider, path, body):
        client = app.test_client()
        sent = begin(client)
        provider.claims = {"nonce": sent["nonce"]}
        provider.answers[path] = (200 if body else 500, {"Content-Type": "application/json"}, body)

        answer = come_back(client, tenant, sent)

        assert answer.status_code == (403 if (path, body[:4]) == ("/token", b'{"ke') and b"RSA" in body else 502)
        assert client.get("/").location == "/login/"

    def test_a_client_secret_of_another_key(self, app, tenant, monkeypatch):
        monkeypatch.setitem(app.config, "SECRET_KEY", "another")

        assert app.test_client().post("/single-sign-on/", data={"email": EMAIL}).status_code == 502


def test_private_addresses_are_asked_only_if_the_settings_allow_it(app, tenant, monkeypatch):
    monkeypatch.setitem(app.config, "SINGLE_SIGN_ON_PRIVATE_PROVIDERS", False)
    network = Network(allow_private=False, allow_http=False, ca_file=None)

    answer = app.test_client().post("/single-sign-on/", data={"email": EMAIL})

    assert answer.status_code == 502
    hosts = (
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[fe80::1]",
        "100.64.0.1",
        "0.0.0.0",
    )
    for host in hosts:
        with pytest.raises(ProviderError, match="private"):
            _check_target(f"https://{host}/", network)
    with pytest.raises(ProviderError, match="TLS"):
        _check_target("http://8.8.8.8/", network)
    _check_target("https://8.8.8.8/", network)


def test_the_pages_are_limited_per_address(app, monkeypatch):
    client = app.test_client()
    answers = [client.get("/single-sign-on/T8000000/callback?state=x") for _ in range(61)]

    assert [answers[0].status_code, answers[59].status_code, answers[60].status_code] == [400, 400, 429]


class TestForbiddenPasswords:
    """A tenant that only its provider signs people in to."""

    @pytest.fixture
    def strict(self, make, tenant, member):
        make.session.execute(text("UPDATE tenant SET password_sign_in = false WHERE id = :id"), {"id": tenant.id})
        make.session.commit()
        return tenant

    def by_password(self, app, client=None):
        from tests.factories import PASSWORD

        return (client or app.test_client()).post("/login/", data={"email": EMAIL, "password": PASSWORD})

    def test_the_answer_is_that_to_a_wrong_password(self, app, make, strict):
        answer = self.by_password(app)

        assert answer.status_code == 401
        assert "メールアドレスまたはパスワードが正しくありません。" in answer.text
        assert len(entries(make, "sign_in.refused")) == 1

    def test_single_sign_on_works(self, app, strict, provider):
        assert sign_in(app.test_client(), strict, provider).location == "/"

    def test_with_another_tenant_only_that_one_can_be_entered(self, app, make, strict, member, signed_in):
        other = make.tenant(name="別のテナント")
        make.join(member, other, "Partner Operator")
        client = app.test_client()

        answer = self.by_password(app, client)
        forced = client.post("/tenants/select", data={"tenant_id": strict.id})

        assert answer.location == "/"
        with client.session_transaction() as browser:
            assert browser["tenant_id"] == other.id
        assert forced.status_code == 404

    def test_a_password_session_loses_the_tenant_at_the_next_request(self, app, strict, member, signed_in):
        assert signed_in(member, strict).get("/customers/").location == "/tenants/"

    def test_nec_signs_in_by_password_and_enters(self, app, make, strict, signed_in):
        make.elevated("NEC Staff", email="nec@sso.example.jp", password=weak_hash())
        client = app.test_client()
        from tests.factories import PASSWORD

        client.post("/login/", data={"email": "nec@sso.example.jp", "password": PASSWORD})

        assert client.post("/tenants/select", data={"tenant_id": strict.id}).location == "/"
        assert client.get("/customers/").status_code == 200

    def test_a_forgotten_password_is_answered_the_same_and_mails_nothing(self, app, make, strict):
        from jobs import password_requests

        answer = app.test_client().post("/forgotten-password/", data={"email": EMAIL})
        with app.app_context():
            password_requests.answer_waiting()

        assert answer.location == "/forgotten-password/sent"
        assert make.session.scalar(text("SELECT count(*) FROM mail_message")) == 0


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
