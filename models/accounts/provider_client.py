"""The client of a tenant's OpenID provider: the authorization code flow with PKCE, and the check of the ID token.

Metadata and keys are read at each sign-in, so that new keys of a provider are known at once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import requests

from models.accounts import provider_http
from models.accounts.identity_subject import SUBJECT_LENGTH
from models.accounts.provider_http import Network, ProviderError
from models.accounts.user import EMAIL_LENGTH
from models.tenants.identity_domain import domain_of

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""The signatures that are accepted: those with a public key. The client secret signs nothing."""

GOOGLE = "https://accounts.google.com"

_SCOPE = "openid email"
_LEEWAY = 60
_KEY_TYPES = frozenset({"RSA", "EC", "OKP"})


class TokenRefused(Exception):
    """An ID token is not valid, or says nothing that a sign-in can rely on.

    :param reason: what is recorded in the audit log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Client:
    """The portal as a client of a provider.

    :ivar redirect_uri: where the provider leads back to.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    network: Network


@dataclass(frozen=True, slots=True)
class Start:
    """What a sign-in starts with.

    :ivar url: where the browser is led.
    :ivar state: returned by the provider with the browser.
    :ivar nonce: returned in the ID token.
    :ivar verifier: the secret of PKCE, sent with the code.
    """

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a provider has authenticated."""

    issuer: str
    subject: str
    email: str


def start(client: Client, *, email: str) -> Start:
    """Prepare a sign-in.

    :param email: the address as typed, which the provider may fill in.
    :raises ProviderError: the provider cannot be used.
    """
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with _session(client) as session:
        metadata = _metadata(session, client)
        url, _ = session.create_authorization_url(
            metadata["authorization_endpoint"],
            state=state,
            nonce=nonce,
            code_verifier=verifier,
            login_hint=email,
        )
    return Start(str(url), state, nonce, verifier)


def finish(client: Client, *, code: str, iss: str | None, nonce: str, verifier: str) -> dict[str, Any]:
    """Exchange a code for an ID token, and return the claims of a valid one.

    :param code: from the provider's redirect.
    :param iss: the issuer in that redirect (RFC 9207), None if it had none.
    :param nonce: that the sign-in started with.
    :param verifier: that the sign-in started with.
    :raises ProviderError: the provider cannot be used, or does not accept the code.
    :raises TokenRefused: the ID token is not valid.
    """
    from authlib.integrations.base_client import OAuthError

    with _session(client) as session:
        metadata = _metadata(session, client)
        needs_iss = metadata.get("authorization_response_iss_parameter_supported") is True
        if (iss is not None or needs_iss) and iss != client.issuer:
            raise TokenRefused("issuer")
        methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        session.token_endpoint_auth_method = (
            "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        )
        try:
            token = session.fetch_token(
                metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except OAuthError as error:
            raise ProviderError(f"It does not accept the code: {error.error}.") from error
        except (requests.RequestException, ValueError, TypeError) as error:
            raise ProviderError("Its token endpoint cannot be used.") from error
        keys = _json(session, metadata["jwks_uri"])
    return _claims(client, token, keys, nonce)


def person(claims: dict[str, Any], domains: frozenset[str], *, trusts_addresses: bool) -> Person:
    """Return whom the claims of a valid ID token are about.

    :param domains: the confirmed domains of the tenant.
    :param trusts_addresses: whether an address counts although the token does not say that it is verified.
    :raises TokenRefused: there is no address in one of the domains, or it is not verified.
    """
    email, verified = claims.get("email"), claims.get("email_verified")
    if not isinstance(email, str) or not 0 < len(email) <= EMAIL_LENGTH or not email.isprintable():
        raise TokenRefused("no_address")
    if domain_of(email) not in domains:
        raise TokenRefused("domain")
    if not (verified is True or verified == "true" or (verified is None and trusts_addresses)):
        raise TokenRefused("address_not_verified")
    # Anybody can have a Google account with an address of a company; only those of the company's Workspace have this.
    if claims["iss"] == GOOGLE and claims.get("hd") not in domains:
        raise TokenRefused("not_of_workspace")
    return Person(claims["iss"], claims["sub"], email)


def _session(client: Client) -> Any:
    from authlib.integrations.requests_client import OAuth2Session

    session = OAuth2Session(
        client.client_id,
        client.client_secret,
        scope=_SCOPE,
        redirect_uri=client.redirect_uri,
        code_challenge_method="S256",
    )
    provider_http.limit(session, client.network)
    return session


def _metadata(session: Any, client: Client) -> dict[str, Any]:
    found = _json(session, f"{client.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != client.issuer:
        raise ProviderError("It has another issuer.")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        url = found.get(name)
        schemes = ("https://", "http://") if client.network.allow_http else ("https://",)
        if not isinstance(url, str) or not url.startswith(schemes) or not url.isprintable():
            raise ProviderError(f"Its {name} is missing or has no TLS.")
    return found


def _json(session: Any, url: str) -> dict[str, Any]:
    try:
        answer = session.get(url, withhold_token=True, headers={"Accept": "application/json"})
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise ProviderError(f"It does not answer: {type(error).__name__}.") from error
    if not isinstance(found, dict):
        raise ProviderError("Its answer is not an object.")
    return found


def _claims(client: Client, token: Any, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
    """Check the ID token of an answer, and return its claims."""
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
    from joserfc.jwk import KeySet

    listed = keys.get("keys")
    usable = [each for each in listed if _signs(each)] if isinstance(listed, list) else []
    text = token.get("id_token")
    if not isinstance(text, str):
        raise TokenRefused("no_token")
    try:
        known = KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ProviderError("Its keys cannot be read.") from error
    try:
        decoded = jwt.decode(text, known, algorithms=list(ALGORITHMS))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused("signature") from error
    options = {
        "iss": {"essential": True, "value": client.issuer},
        "aud": {"essential": True, "value": client.client_id},
    }
    params = {"nonce": nonce, "client_id": client.client_id, "access_token": token.get("access_token")}
    claims = CodeIDToken(decoded.claims, decoded.header, options, params)
    try:
        claims.validate(leeway=_LEEWAY)
    except ExpiredTokenError as error:
        raise TokenRefused("expired") from error
    except (InvalidClaimError, MissingClaimError) as error:
        raise TokenRefused(f"claim_{error.claim}") from error
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused("claims") from error
    if not 0 < len(claims["sub"]) <= SUBJECT_LENGTH or not claims["sub"].isprintable():
        raise TokenRefused("claim_sub")
    return dict(claims)


def _signs(key: Any) -> bool:
    return isinstance(key, dict) and key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"
