"""ID tokens that are refused, and the addresses in them."""

from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import text

from models.accounts.provider_client import GOOGLE, TokenRefused, person
from models.tenants.identity_domain import domain_of
from tests.support.openid_provider import OTHER_KEY
from tests.support.single_sign_on import EMAIL, REFUSED, begin, come_back, entries, sign_in

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
