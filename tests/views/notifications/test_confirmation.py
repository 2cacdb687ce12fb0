"""§5.4.2 (2): what each link says, and that only a POST uses it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.actor import Actor
from models.audit import AuditEntry
from models.notifications import address as notification_address
from models.notifications import address_rules
from models.notifications.address import AddressLink
from models.notifications.address_rules import AddressChange


@pytest.fixture
def tenant(make):
    tenant = make.tenant(name="サンプルパートナー")
    make.confirmed_address(tenant, "old@example.jp")
    return tenant


@pytest.fixture
def ask(tenant, in_tenant):
    """Ask for an address in slot 1: the path of its link."""

    def change(address: str = "new@example.jp") -> str:
        paths = []
        request = AddressChange(
            tenant, lambda token: paths.append(f"/confirm-address/{token}") or "", clock.utc_now(), Actor("op")
        )
        with in_tenant(tenant.id) as session:
            version = notification_address.address_status(session, tenant.id, now=request.now).version
            address_rules.change(session, [address, "", ""], version=version, request=request)
            session.commit()
        return paths[0] if paths else ""

    return change


@pytest.fixture
def in_force(tenant, in_tenant):
    def look() -> list[str]:
        with in_tenant(tenant.id) as session:
            return notification_address.in_force(session, tenant.id)

    return look


def heading(answer) -> str:
    return re.search(r"<h1[^>]*>(.*?)</h1>", answer.text)[1]


def expire(make) -> None:
    make.session.query(AddressLink).update({"expires_at": clock.utc_now() - timedelta(seconds=1)})
    make.session.commit()


def test_opening_the_link_confirms_nothing_however_often(app, ask, in_force, make):
    link = ask()
    client = app.test_client()

    answers = [client.get(link), client.get(link), client.head(link)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert heading(answers[0]) == "メールアドレスの登録確認"
    assert "new@example.jp を サンプルパートナー の通知先として登録します。" in answers[0].text
    assert re.search(r'<form method="post" data-auto-submit>.*?登録を完了する</button>', answers[0].text, re.DOTALL)
    assert in_force() == ["old@example.jp"]
    assert make.session.scalars(select(AuditEntry.id).where(AuditEntry.actor == "new@example.jp")).all() == []


def test_a_post_puts_the_address_into_force_without_anybody_signed_in(app, ask, in_force):
    answer = app.test_client().post(ask())

    assert answer.status_code == 200
    assert heading(answer) == "登録が完了しました"
    assert "これより サンプルパートナー への通知は new@example.jp に届きます。" in answer.text
    assert re.search(r'<a [^>]*href="/">ポータルを開く</a>', answer.text)
    assert in_force() == ["new@example.jp"]


def test_the_audit_log_names_the_mailbox_and_its_tenant(app, ask, make, tenant):
    app.test_client().post(ask(), environ_base={"REMOTE_ADDR": "192.0.2.7"})

    row = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "notification_address.confirmed")).one()
    assert (row.actor, row.user_id, row.address, row.tenant_id) == ("new@example.jp", None, "192.0.2.7", tenant.id)
    assert (row.before, row.after) == ({"address": "old@example.jp"}, {"address": "new@example.jp"})
    assert row.request_id


def test_somebody_signed_in_elsewhere_is_not_the_actor(ask, make, operator, in_force):
    operator.post(ask())

    row = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "notification_address.confirmed")).one()
    assert (row.actor, row.user_id) == ("new@example.jp", None)
    assert in_force() == ["new@example.jp"]
    assert operator.get("/customers/").status_code == 200


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_used_link_says_that_all_is_done(app, ask, in_force, method):
    link = ask()
    app.test_client().post(link)

    answer = getattr(app.test_client(), method)(link)

    assert answer.status_code == 200
    assert heading(answer) == "すでに確認済みです"
    assert re.search(r"new@example.jp は \d{4}-\d\d-\d\d \d\d:\d\d:\d\d に確認されました。", answer.text)
    assert "data-auto-submit" not in answer.text
    assert in_force() == ["new@example.jp"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_expired_link_says_what_to_do(app, ask, make, in_force, method):
    link = ask()
    expire(make)

    answer = getattr(app.test_client(), method)(link)

    assert answer.status_code == 410
    assert heading(answer) == "URLの有効期限が切れています"
    assert "「メールアドレス設定」から確認メールを再送する" in answer.text
    assert in_force() == ["old@example.jp"]
    assert "new@example.jp" not in answer.text
    assert "サンプルパートナー" not in answer.text


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("then", ["newer@example.jp", "old@example.jp"])
def test_a_link_that_was_replaced_or_withdrawn_says_so(app, ask, in_force, method, then):
    link = ask()
    ask(then)

    answer = getattr(app.test_client(), method)(link)

    assert answer.status_code == 410
    assert heading(answer) == "このURLは無効になりました"
    assert "新しい確認メールが届いている場合は、そのURLを開いてください。" in answer.text
    assert in_force() == ["old@example.jp"]
    assert "newer@example.jp" not in answer.text


@pytest.mark.parametrize("method", ["get", "post"])
def test_invented_and_removed_links_get_the_same_page(app, ask, make, method):
    removed = ask()
    make.session.query(AddressLink).delete()
    make.session.commit()
    client = app.test_client()

    answers = [
        getattr(client, method)(link) for link in (removed, "/confirm-address/x", "/confirm-address/" + "x" * 43)
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert {heading(answer) for answer in answers} == {"このURLは使用できません"}
    assert len({re.sub(r'nonce="[^"]*"', "", answer.text) for answer in answers}) == 1
    assert "support@example.jp" in answers[0].text


def test_the_page_tells_its_address_to_nobody_and_is_not_kept(app, ask):
    client = app.test_client()
    for answer in (client.get(link := ask()), client.post(link), client.get(link), client.get("/confirm-address/x")):
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("base_url", ["http://localhost", "https://portal.example.jp"])
def test_the_form_is_protected_and_works_without_a_referer(app, ask, in_force, monkeypatch, base_url):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    link = ask()
    client = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(link, base_url=base_url).text)[1]

    refused = client.post(link, base_url=base_url)
    forged = client.post(link, data={"csrf_token": "forged"}, base_url=base_url)
    assert (refused.status_code, forged.status_code) == (400, 400)
    assert in_force() == ["old@example.jp"]

    assert client.post(link, data={"csrf_token": token}, base_url=base_url).status_code == 200
    assert in_force() == ["new@example.jp"]


def test_guessing_is_slowed_down(app, ask):
    link = ask()
    statuses = [app.test_client().get("/confirm-address/x").status_code for _ in range(60)]

    assert set(statuses) == {404}
    assert app.test_client().get(link).status_code == 429
    assert app.test_client().get(link, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 200
