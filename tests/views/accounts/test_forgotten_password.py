"""§12: who has forgotten the password gets a link by mail, and nobody learns from it which addresses exist."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from jobs import password_requests
from models.accounts.password_link import PasswordLink
from models.accounts.password_request import PasswordRequest
from models.accounts.user import User
from models.audit import AuditEntry
from models.mail.outbox import MailMessage
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.pages import Page

NEW = "Aozora-Wakaba-7"
NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def user(make):
    return make.member(make.tenant(), "Partner Viewer", email="one@example.jp", password=weak_hash())


def ask(app, email="one@example.jp", address="192.0.2.7"):
    return app.test_client().post("/forgotten-password/", data={"email": email}, environ_base={"REMOTE_ADDR": address})


def answer_requests(app):
    with app.app_context():
        password_requests.answer_waiting()


@pytest.fixture
def mailed(app, make):
    """The mails written for the waiting requests, and the paths of their links."""

    def answered():
        answer_requests(app)
        make.session.expire_all()
        mails = make.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
        return [(mail, re.search(r"/setup/\S+", mail.whole_body)[0]) for mail in mails]

    return answered


def test_the_sign_in_page_leads_there_and_a_mail_with_a_link_comes(app, make, user, mailed):
    sign_in = Page(app.test_client().get("/login/").text)
    answer = ask(app, " ONE@example.jp")
    (mail, link), *more = mailed()

    assert sign_in.root.one("a", href="/forgotten-password/").text == "パスワードを忘れた方"
    assert "送信" in app.test_client().get("/forgotten-password/").text
    assert answer.location == "/forgotten-password/sent"
    assert "登録されている場合は" in app.test_client().get(answer.location).text
    assert (more, mail.kind, mail.recipient) == ([], "password_forgotten", "one@example.jp")
    assert f"{app.config['PORTAL_URL']}{link}" in mail.whole_body
    assert link.removeprefix("/setup/") not in mail.body
    assert len(link.removeprefix("/setup/")) == 43
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject_id, entry.address) == ("password_link.issued", str(user.id), "192.0.2.7")
    assert make.session.scalar(select(func.count()).select_from(PasswordRequest)) == 0


def test_the_request_does_the_same_for_every_address(app, make, user, mailed, statements):
    make.user(email="off@example.jp", password=weak_hash(), active=False)
    seen = []
    for email in ("one@example.jp", "none@example.jp", "off@example.jp"):
        statements.clear()
        answer = ask(app, email)
        seen.append((answer.status_code, answer.location, list(statements)))

    assert seen[0] == seen[1] == seen[2]
    assert not any("ab_user" in statement for statement in seen[0][2])
    assert [mail.recipient for mail, _ in mailed()] == ["one@example.jp"]


def test_the_link_sets_the_password_ends_the_sessions_and_lifts_the_lock(app, make, user, mailed, signed_in):
    user.locked_until, user.fail_login_count = datetime(2099, 1, 1, tzinfo=UTC), 3
    make.session.commit()
    elsewhere = signed_in(user, user.memberships[0].tenant)
    ask(app)
    ((_, link),) = mailed()

    page = app.test_client().get(link)
    answer = app.test_client().post(link, data={"password": NEW, "confirmation": NEW})

    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert answer.location == "/login/"
    assert elsewhere.get("/").location == "/login/"
    assert app.test_client().post("/login/", data={"email": user.email, "password": PASSWORD}).status_code == 401
    assert app.test_client().post("/login/", data={"email": user.email, "password": NEW}).status_code == 302
    assert make.session.get(User, user.id, populate_existing=True).locked_until is None


def test_used_replaced_and_invented_links_get_one_page_which_leads_to_a_new_one(app, mailed, user):
    ask(app)
    ask(app)
    (_, replaced), (_, used) = mailed()
    app.test_client().post(used, data={"password": NEW, "confirmation": NEW})

    pages = [app.test_client().get(link) for link in (used, replaced, f"/setup/{'x' * 43}")]

    assert [page.status_code for page in pages] == [404] * 3
    assert len({re.sub(r'(nonce|value)="[^"]*"', "", page.text) for page in pages}) == 1
    assert Page(pages[0].text).root.one("a", href="/forgotten-password/").text == "新しいリンクを受け取る"


@pytest.mark.parametrize(("later", "status"), [(timedelta(minutes=59), 200), (timedelta(hours=1), 404)])
def test_the_link_is_valid_for_an_hour(app, make, user, mailed, later, status):
    with time_machine.travel(NOON, tick=False):
        ask(app)
        ((_, link),) = mailed()
    with time_machine.travel(NOON + later, tick=False):
        assert app.test_client().get(link).status_code == status
    assert make.session.scalars(select(PasswordLink)).one().expires_at == NOON + timedelta(hours=1)


def test_requests_are_limited_per_address_typed_whether_or_not_it_exists(app, user):
    for email in ("one@example.jp", "none@example.jp"):
        answers = [ask(app, email.upper(), f"198.51.100.{number}").status_code for number in range(4)]

        assert answers == [302, 302, 302, 429]


def test_requests_are_limited_per_ip_address(app):
    answers = [ask(app, f"x{number}@example.jp") for number in range(21)]

    assert [each.status_code for each in answers] == [302] * 20 + [429]
    assert "60分ほど待ってから、もう一度お試しください。" in answers[-1].text
    assert ask(app, "x@example.jp", "192.0.2.8").status_code == 302


@pytest.mark.parametrize("email", ["", "no address", f"{'a' * 250}@example.jp", "ﷺ" * 200 + "@example.jp"])
def test_what_is_no_address_is_told_and_asks_for_nothing(app, make, email):
    answer = ask(app, email)

    assert (answer.status_code, 'id="email-error"' in answer.text) == (422, True)
    assert make.session.scalars(select(PasswordRequest)).all() == []
