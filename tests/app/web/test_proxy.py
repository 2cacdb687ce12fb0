"""What is believed of reverse proxies, and what of the Host header."""

from __future__ import annotations

import re

import pytest
from flask import jsonify, request
from sqlalchemy import text
from werkzeug.test import create_environ, run_wsgi_app

from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash

PROXIED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "portal.example.jp",
    "X-Forwarded-Port": "8443",
    "X-Forwarded-Prefix": "/partner",
}


@pytest.fixture
def seen(app, behind, monkeypatch):
    """What the portal takes a request for: caller, root URL and prefix."""

    def of(count: int, headers: dict[str, str], **options):
        facts = lambda: jsonify(request.remote_addr, request.host_url, request.root_path)  # noqa: E731  (a view)
        monkeypatch.setitem(app.view_functions, "health.healthz", facts)
        return tuple(behind(count).get("/healthz", headers=headers, **options).json)

    return of


def test_without_proxies_none_of_their_headers_is_believed(seen):
    assert seen(0, PROXIED) == ("127.0.0.1", "http://localhost/", "")


def test_behind_a_proxy_all_of_them_are(seen):
    assert seen(1, PROXIED) == ("203.0.113.9", "https://portal.example.jp:8443/", "/partner")


def test_only_as_many_proxies_are_believed_as_there_are(seen):
    assert seen(1, {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})[0] == "203.0.113.9"
    assert seen(2, {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})[0] == "198.51.100.1"


@pytest.mark.parametrize("forged", ['"', 'x"', '"x', '"\\', '"198.51.100.1', "for=", ",", "", "=", "\\"])
def test_what_a_client_sends_cannot_hide_the_value_that_a_proxy_has_appended(seen, forged):
    headers = {
        "X-Forwarded-For": f"{forged}, 203.0.113.9",
        "X-Forwarded-Proto": f"{forged}, https",
        "X-Forwarded-Host": f"{forged}, portal.example.jp",
        "X-Forwarded-Port": f"{forged}, 443",
        "X-Forwarded-Prefix": f"{forged}, /partner",
    }

    assert seen(1, headers) == ("203.0.113.9", "https://portal.example.jp/", "/partner")


def test_a_proxy_without_a_prefix_does_not_hide_that_of_the_one_in_front(seen):
    assert seen(2, {"X-Forwarded-Prefix": "/partner, /"})[2] == "/partner"
    assert seen(1, {"X-Forwarded-Prefix": "/partner, /"})[2] == ""


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:51234", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("2001:DB8:0::9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:51234", "2001:db8::9"),
        ('"[2001:db8::9]:51234"', "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]", "fe80::1"),
        ("[fe80::1%eth0]:80", "fe80::1"),
        ("unknown", "127.0.0.1"),
        ("_hidden", "127.0.0.1"),
        ("203.0.113.9.1", "127.0.0.1"),
        ("999.0.0.1", "127.0.0.1"),
        ("'; DROP TABLE utm", "127.0.0.1"),
    ],
)
def test_a_caller_has_one_address_however_the_proxy_writes_it(seen, sent, address):
    assert seen(1, {"X-Forwarded-For": sent})[0] == address


def test_a_server_behind_a_unix_socket_knows_no_address(seen):
    assert seen(0, {}, environ_base={"REMOTE_ADDR": ""})[0] is None


@pytest.mark.parametrize("sent", ["[2001:db8::9]:51234", "203.0.113.9:51234", "unknown"])
def test_signing_in_works_whatever_the_proxy_says_of_the_caller(make, behind, sent):
    user = make.member(make.tenant(), "Partner Operator", password=weak_hash())

    answer = behind(1).post(
        "/login/", data={"email": user.email, "password": PASSWORD}, headers={"X-Forwarded-For": sent}
    )

    assert answer.status_code == 302
    assert make.session.scalar(text("SELECT count(*) FROM user_session")) == 1


def test_another_port_of_the_caller_begins_no_other_rate_limit(behind):
    client = behind(1)

    answers = [
        client.post("/login/", data={"email": "a", "password": "b"}, headers={"X-Forwarded-For": f"203.0.113.9:{port}"})
        for port in range(40_000, 40_031)
    ]

    assert [each.status_code for each in answers] == [401] * 30 + [429]


def test_clients_that_pass_a_proxy_by_share_one_rate_limit(behind):
    client = behind(2)

    answers = [
        client.post("/login/", data={"email": "a", "password": "b"}, headers={"X-Forwarded-For": f"203.0.113.{number}"})
        for number in range(31)
    ]

    assert [each.status_code for each in answers] == [401] * 30 + [429]


@pytest.mark.parametrize(("sent", "prefix"), [("/partner/", "/partner"), ("/", ""), ("//evil.example", ""), ("x", "")])
def test_a_prefix_is_a_path_without_a_slash_behind_it(seen, sent, prefix):
    assert seen(1, {"X-Forwarded-Prefix": sent})[2] == prefix


def test_under_a_prefix_signing_in_leads_back_to_the_page_that_was_asked_for(make, behind):
    user = make.member(make.tenant(), "Partner Operator", password=weak_hash())
    client = behind(1)

    asked = client.get("/customers/?name=x", headers=PROXIED)
    door = asked.location.removeprefix("/partner")
    headers = PROXIED | {"Referer": "https://portal.example.jp:8443/partner/login/"}
    let_in = client.post(door, data={"email": user.email, "password": PASSWORD}, headers=headers)

    assert asked.location == "/partner/login/?next=/partner/customers/?name%3Dx"
    assert let_in.location == "/partner/customers/?name=x"


def urls_without_prefix(page: str) -> list[str]:
    """The URLs on a page that begin with a slash but not with the prefix."""
    assert "<main" in page
    return [
        url for url in re.findall(r' (?:href|src|action|formaction)="(/[^"]*)', page) if not url.startswith("/partner/")
    ]


@pytest.mark.parametrize("path", ["/", "/customers/", "/customers/?name=x", "/customers/?name=%E6%A0%AA", "/nothing"])
def test_under_a_prefix_every_url_of_a_page_has_it(operator, behind, make, path):
    behind(1)
    make.customer(tenant=operator.tenant)

    assert urls_without_prefix(operator.get(path, headers=PROXIED).text) == []


@pytest.mark.parametrize("path", ["/login/", "/setup/invented", "/confirm-address/invented", "/nothing"])
def test_under_a_prefix_every_url_of_a_public_page_has_it(behind, path):
    assert urls_without_prefix(behind(1).get(path, headers=PROXIED, follow_redirects=True).text) == []


@pytest.mark.parametrize(
    "host",
    [
        "a..b", ".a", "a b", "a/b", "a@b", "a:99999", "a:b", "-a", "x" * 64, "a." * 140, "xn--a", "[::1", "[::g]",
        "日本.example", "a\\b", "a,b",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/healthz", "/login/", "/api/device/v1/alerts", "/nothing"])
def test_a_host_that_can_be_none_is_refused_with_the_headers_of_every_answer(app, host, path):
    # The test client would read the host itself.
    environ = create_environ(path) | {"HTTP_HOST": host.encode().decode("latin-1")}

    body, status, headers = run_wsgi_app(app, environ, buffered=True)

    text = b"".join(body).decode()
    assert status == "400 BAD REQUEST"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-ID"] in text
    # A nonce is random.
    assert host not in re.sub(r'nonce="[^"]*"', "", text)


def test_who_is_signed_in_is_told_of_a_bad_host_too(operator):
    assert operator.get("/customers/", headers={"Host": "a..b"}).status_code == 400


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost.", "portal_1:8080", "192.0.2.1", "[2001:db8::1]:8080", "xn--wgv71a.example", "a:", ""],
)
def test_any_other_host_is_served(app, host):
    assert app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/customers", "/", "/logout/", "//customers", "/staff/jobs/?a=b"])
def test_no_redirect_names_the_host_of_the_request(operator, app, path):
    for client in (operator, app.test_client()):
        for method in ("GET", "POST"):
            answer = client.open(path, method=method, headers={"Host": "evil.example"})
            assert "evil.example" not in answer.headers.get("Location", "")


def test_a_missing_slash_is_added_under_the_prefix(operator, behind):
    behind(1)

    answer = operator.get("/customers?name=x", headers=PROXIED)

    assert (answer.status_code, answer.location) == (308, "/partner/customers/?name=x")


@pytest.mark.parametrize("api", ["/api/device/v1", "/api/customer/v1"])
@pytest.mark.parametrize(("headers", "prefix"), [({}, ""), ({"X-Forwarded-Prefix": "/partner"}, "/partner")])
def test_the_descriptions_of_the_apis_name_the_prefix(behind, api, headers, prefix):
    described = behind(1).get(f"{api}/openapi.json", headers=headers).json

    assert described["servers"] == [{"url": f"{prefix}{api}"}]
