"""Signing in by single sign-on, step by step."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import select

from models.audit import AuditEntry
from tests.support.pages import Page

EMAIL = "one@sso.example.jp"
REFUSED = "ログインできませんでした。"


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
    """A whole sign-in at the small provider: the answer to the return.

    :param query: the arguments of the first page.
    """
    sent = begin(client, **query)
    provider.claims = {"nonce": sent["nonce"]} | provider.claims
    return come_back(client, tenant, sent, **query)


def entries(make, action):
    make.session.expire_all()
    return make.session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)).all()
