"""OpenID providers that cannot be used, or must not be asked."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from models import sealed_secret
from models.accounts import provider_http
from models.accounts.provider_http import Network, ProviderError, _check_target
from tests.support.single_sign_on import EMAIL, begin, come_back

UNAVAILABLE = "組織のログインサービスに接続できないか"


class TestUnusableProviders:
    """Of which people are told, instead of an error of the portal."""

    @pytest.fixture(
        params=["down", "500", "no JSON", "a list", "other issuer", "no TLS", "redirect", "large", "slow", "script"]
    )
    def broken(self, request, provider, make, monkeypatch, app):
        path = "/.well-known/openid-configuration"
        answers = {
            "500": (500, {}, b""),
            "no JSON": (200, {}, b"<html>"),
            "a list": (200, {}, b"[]"),
            "redirect": (302, {"Location": "/moved"}, b""),
            "large": (200, {}, provider.answer(path)[2] + b" " * 300_000),
        }
        metadata = {
            "other issuer": {"issuer": "https://evil.example"},
            "script": {"authorization_endpoint": "javascript:alert(1)"},
        }
        provider.answers["/moved"] = provider.answer(path)
        provider.metadata = metadata.get(request.param, {})
        if request.param in answers:
            provider.answers[path] = answers[request.param]
        match request.param:
            case "down":
                make.session.execute(text("UPDATE identity_provider SET issuer = 'http://127.0.0.1:9'"))
                make.session.commit()
            case "no TLS":
                monkeypatch.setitem(app.config, "PRODUCTION", True)
            case "slow":
                monkeypatch.setattr(provider_http, "TOTAL_TIMEOUT", 0)

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
        monkeypatch.setitem(sealed_secret._settings, "keys", [b"another"])

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
