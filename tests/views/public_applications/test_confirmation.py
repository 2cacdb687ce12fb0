"""The page behind the link of サービス申込み確認: opening it confirms nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.applications import rules
from models.audit import AuditEntry
from models.mail.outbox import MailMessage
from tests.support.pages import Page


@pytest.fixture
def link(visitor, make):
    """The path of the link in the mail of a sent form."""
    visitor.send()
    token = make.session.scalars(select(MailMessage.secret)).one()
    make.session.rollback()
    return f"/confirm-application/{token}"


def heading(answer):
    return Page(answer.text).root.one("h1").text


def test_the_mail_contains_the_link(link, make, app):
    mail = make.session.scalars(select(MailMessage)).one()

    assert f"{app.config['PORTAL_URL']}/confirm-application/" in mail.body


def test_opening_the_link_shows_what_was_entered_and_confirms_nothing(app, link, applications, mails):
    client = app.test_client()

    answers = [client.get(link), client.get(link), client.head(link)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert heading(answers[0]) == "申込み内容の確認"
    for value in ("株式会社みどり電機", "緑川 三郎", "shiro@example.com", "大阪府大阪市北区梅田一丁目1番1号"):
        assert value in answers[0].text
    assert "data-auto-submit" not in answers[0].text
    assert answers[0].headers["Referrer-Policy"] == "no-referrer"
    assert applications()[0].state == "unconfirmed"
    assert len(mails()) == 1


def test_a_post_confirms_the_application_once(app, link, applications, mails, make, tenant):
    make.confirmed_address(tenant, "partner@example.jp")

    first = app.test_client().post(link, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    again = [app.test_client().post(link), app.test_client().get(link)]

    (application,) = applications()
    assert (first.status_code, heading(first)) == (200, "申込みを受け付けました")
    assert application.id in first.text
    assert [(answer.status_code, heading(answer)) for answer in again] == [(200, "申込みはすでに確定されています")] * 2
    assert (application.state, application.applied_at is not None) == ("pending", True)
    assert mails()[1:] == [
        ("application_received", "jiro@example.com"),
        ("application_arrived", "partner@example.jp"),
    ]
    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "service_application.confirmed")).one()
    assert (entry.actor, entry.address, entry.user_id) == ("jiro@example.com", "192.0.2.7", None)


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_expired_link_says_what_to_do(app, link, applications, make, method):
    applications()[0].expires_at = clock.utc_now() - timedelta(seconds=1)
    make.session.commit()

    answer = getattr(app.test_client(), method)(link)

    assert (answer.status_code, heading(answer)) == (410, "申込みのリンクの有効期限が切れています")
    assert "株式会社みどり電機" not in answer.text
    assert applications()[0].state == "unconfirmed"


@pytest.mark.parametrize("token", ["x", "apl_x", "%00", "あ", "a" * 4000])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_link_reveals_nothing(app, token, method):
    answer = getattr(app.test_client(), method)(f"/confirm-application/{token}")

    assert answer.status_code in {400, 404}


def test_the_link_needs_no_listed_site_and_outlives_a_new_number(app, link, make, tenant, settings, applications):
    make.access_origin(tenant=tenant, origin="https://www.partner.example")
    settings(invitation_number=2)

    assert app.test_client().post(link).status_code == 200
    assert applications()[0].state == "pending"


def test_a_deleted_application_has_no_link(app, link, in_tenant, make):
    from models.scope import all_tenants

    with app.app_context(), all_tenants("test") as session:
        rules.remove_unconfirmed(session, now=clock.utc_now() + timedelta(days=2))
        session.commit()

    assert app.test_client().get(link).status_code == 404


def test_the_form_checks_its_token_itself(app, link, monkeypatch, applications):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    client = app.test_client()
    base = {"base_url": "https://portal.example.jp"}

    refused = client.post(link, **base)
    (form,) = (each for each in Page(client.get(link, **base).text).forms if each.posts)
    done = client.post(link, data=form.sent(), **base)

    assert (refused.status_code, done.status_code) == (400, 200)
    assert applications()[0].state == "pending"
