"""A small OpenID provider whose answers a test can change: for what a real one does not do."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey

KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig", "alg": "ES256"})


class Provider:
    """What the provider answers.

    :ivar metadata: changes of the metadata.
    :ivar claims: changes of the claims of the ID token; None takes one out.
    :ivar id_token: the whole ID token; made of the claims when it is None.
    :ivar answers: by path, the status and the body of an answer, instead of the usual one.
    :ivar asked: the paths and the forms of the requests.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.reset()

    def reset(self) -> None:
        """Answer like a good provider again."""
        self.metadata: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.key = KEY
        self.id_token: str | None = None
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, dict[str, str], str]] = []

    def all_claims(self) -> dict[str, Any]:
        now = int(time.time())
        usual = {"iss": self.url, "sub": "s-1", "aud": "portal", "iat": now, "exp": now + 300}
        usual |= {"email": "one@sso.example.jp", "email_verified": True}
        return {name: value for name, value in (usual | self.claims).items() if value is not None}

    def token(self) -> str:
        if self.id_token is not None:
            return self.id_token
        return jwt.encode({"alg": "ES256", "kid": "one"}, self.all_claims(), self.key, algorithms=["ES256"])

    def unsigned(self, **claims: Any) -> str:
        """An ID token without a signature."""
        parts = ({"alg": "none"}, self.all_claims() | claims)
        coded = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in parts]
        return ".".join([*coded, ""])

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if path in self.answers:
            return self.answers[path]
        if path.startswith("/authorize?"):
            sent = dict(parse_qsl(path.partition("?")[2]))
            self.claims["nonce"] = sent["nonce"]
            back = urlencode({"code": "c", "state": sent["state"]})
            return 302, {"Location": f"{sent['redirect_uri']}?{back}"}, b""
        bodies: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
            }
            | self.metadata,
            "/jwks": {"keys": [KEY.as_dict(private=False)]},
            "/token": {"access_token": "a", "token_type": "Bearer", "id_token": self.token()},
        }
        return 200, {"Content-Type": "application/json"}, json.dumps(bodies[path]).encode()


@contextmanager
def running_provider() -> Iterator[Provider]:
    """Run a provider on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            form = dict(parse_qsl(self.rfile.read(length).decode()))
            provider.asked.append((self.path, form, self.headers.get("Authorization", "")))
            status, headers, body = provider.answer(self.path)
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815  (the names of http.server)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
