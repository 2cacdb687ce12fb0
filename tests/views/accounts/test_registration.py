"""ユーザ情報入力 (§2.2): registration by the link of an invitation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from models import clock
from models.accounts.invitation import UserInvitation
from models.accounts.user import User
from models.audit import AuditEntry
from tests.support.pages import Page

PASSWORD = "Yamabiko-Tsubame-9"
ENTERED = {
    "password": PASSWORD,
    "confirmation": PASSWORD,
    "name": "見守　花子",
    "company": "青空販売",
    "department": "営業部",
    "phone": "03-1234-5678",
    "note": "窓口\nです",
}
LINK = "/register/inv_link"


@pytest.fixture
def invited(make):
    return make.user_invitation(tenant=make.tenant(name="青空テナント"), email="hanako@example.jp", token="inv_link")


@pytest.fixture
def visitor(app, invited):
    return app.test_client()


def second_step(visitor, **changes):
    """The form of the second step, after the first was sent."""
    answer = visitor.post(LINK, data=ENTERED | changes)
    assert answer.status_code == 200
    return Page(answer.text).forms[0]


def registered(visitor):
    return visitor.post(LINK, data=second_step(visitor).sent(register="1"))


def test_opening_the_link_shows_the_form_and_changes_nothing(make, visitor, invited):
    pages = [visitor.get(LINK) for _ in range(2)]

    assert [each.status_code for each in pages] == [200, 200]
    assert {each.headers["Referrer-Policy"] for each in pages} == {"no-referrer"}
    page = Page(pages[0].text)
    assert page.forms[0].visible_names == list(ENTERED)
    assert f"{invited.tenant_id} (青空テナント)" in page.main.text
    assert "hanako@example.jp" in pages[0].text
    make.session.refresh(invited)
    assert (invited.used_at, invited.password, invited.drafts) == (None, None, 0)


def test_the_two_steps_create_a_user_who_can_sign_in(make, visitor, invited):
    form = second_step(visitor)
    checked = Page(visitor.post(LINK, data=ENTERED).text)
    assert make.session.scalars(select(User)).all() == []

    done = visitor.post(LINK, data=checked.forms[0].sent(register="1"))

    assert "見守 花子" in checked.main.text
    assert done.status_code == 200
    assert "認証情報の更新が完了しました。" in Page(done.text).main.text
    user = make.session.scalars(select(User)).one()
    assert (user.email, user.get_full_name(), user.phone, user.note) == (
        "hanako@example.jp",
        "見守 花子",
        "0312345678",
        "窓口\nです",
    )
    signed_in = visitor.post("/login/", data={"email": "hanako@example.jp", "password": PASSWORD})
    assert (signed_in.status_code, signed_in.location) == (302, "/")
    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "invitation.registered")).one()
    assert (entry.actor, entry.tenant_id, entry.address) == ("hanako@example.jp", invited.tenant_id, "127.0.0.1")
    assert visitor.post(LINK, data=form.sent(register="1")).status_code == 200
    assert len(make.session.scalars(select(User.id)).all()) == 1


def test_no_page_repeats_the_password_or_its_hash(make, visitor, invited):
    checked = visitor.post(LINK, data=ENTERED)
    make.session.refresh(invited)
    form = Page(checked.text).forms[0]
    back = visitor.post(LINK, data=form.sent(back="1"))
    refused = visitor.post(LINK, data=ENTERED | {"name": ""})
    done = visitor.post(LINK, data=form.sent(register="1"))

    assert invited.password.startswith("$argon2id$")
    for answer in (checked, back, refused, done):
        assert PASSWORD not in answer.text
        assert "$argon2id$" not in answer.text
    assert "password" not in form.names


def test_back_keeps_what_was_typed_but_not_the_password(visitor):
    page = Page(visitor.post(LINK, data=second_step(visitor).sent(back="1")).text)

    sent = page.forms[0].sent()
    assert {name: sent[name] for name in ("name", "company", "department", "phone", "note")} == {
        "name": "見守 花子",
        "company": "青空販売",
        "department": "営業部",
        "phone": "0312345678",
        "note": "窓口\nです",
    }
    assert (sent["password"], sent["confirmation"]) == ("", "")
    assert page.error_of("password") == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "Mimamori-1"),
        ("password", "Hanako@Example.jp1A"),
        ("confirmation", "Other-Words-77x"),
        ("name", " "),
        ("name", "あ" * 101),
        ("company", "あ" * 101),
        ("department", "あ" * 101),
        ("phone", "0" * 16),
        ("phone", "abc"),
        ("note", "あ" * 256),
    ],
)
def test_what_cannot_be_used_is_told_at_its_field(make, visitor, invited, field, value):
    changes = {field: value} | ({"confirmation": value} if field == "password" else {})

    answer = visitor.post(LINK, data=ENTERED | changes)

    assert answer.status_code == 422
    assert Page(answer.text).error_of(field)
    make.session.refresh(invited)
    assert invited.password is None


def test_the_users_own_words_make_a_password_easy(visitor):
    answer = visitor.post(
        LINK, data=ENTERED | dict.fromkeys(("password", "confirmation"), "Tsugumi-1234!") | {"company": "Tsugumi"}
    )

    assert "氏名、メールアドレス" in Page(answer.text).error_of("password")


def test_a_step_from_another_window_is_not_completed(make, visitor):
    first = second_step(visitor)
    second_step(visitor, name="別 太郎")

    answer = visitor.post(LINK, data=first.sent(register="1"))

    assert answer.status_code == 422
    assert "もう一度入力" in Page(answer.text).error_of("password")
    assert make.session.scalars(select(User)).all() == []


def test_the_second_step_is_checked_again(make, visitor):
    form = second_step(visitor)

    for changes in ({"name": "あ" * 101}, {"entry": "9" * 30}, {"entry": ""}):
        assert visitor.post(LINK, data=form.sent(register="1", **changes)).status_code == 422
    assert make.session.scalars(select(User)).all() == []


def test_each_link_that_cannot_be_used_says_why(make, app, invited):
    now = clock.utc_now()
    make.user_invitation(token="inv_used", used_at=now)
    make.user_invitation(token="inv_expired", expires_at=now - timedelta(seconds=1))
    make.user_invitation(token="inv_withdrawn", withdrawn_at=now)
    told = {
        "inv_used": (200, "登録は完了しています"),
        "inv_expired": (410, "URLの有効期限が切れています"),
        "inv_withdrawn": (410, "この招待は取り消されました"),
        "inv_invented": (404, "このURLは使用できません"),
    }

    for token, (status, heading) in told.items():
        for answer in (
            app.test_client().get(f"/register/{token}"),
            app.test_client().post(f"/register/{token}", data=ENTERED),
        ):
            assert (answer.status_code, answer.headers["Referrer-Policy"]) == (status, "no-referrer")
            assert Page(answer.text).main.one("h1").text == heading
            assert "example.jp" not in answer.text.replace("support@example.jp", "")
    assert make.session.scalars(select(User)).all() == []


def test_somebody_who_has_become_a_user_joins_with_one_click(make, visitor, invited):
    user = make.user(email="hanako@example.jp")
    page = Page(visitor.get(LINK).text)
    make.session.refresh(user)
    assert user.memberships == []

    answer = visitor.post(LINK, data=page.forms[0].sent())

    assert answer.status_code == 200
    make.session.refresh(user)
    assert [each.tenant_id for each in user.memberships] == [invited.tenant_id]
    assert Page(visitor.get(LINK).text).main.one("h1").text == "登録は完了しています"


def test_the_form_is_protected_and_works_without_a_referer(app, visitor, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    page = Page(visitor.get(LINK, base_url="https://portal.example.jp").text)

    refused = visitor.post(LINK, data=ENTERED, base_url="https://portal.example.jp")
    taken = visitor.post(LINK, data=page.forms[0].sent(ENTERED), base_url="https://portal.example.jp")

    assert (refused.status_code, taken.status_code) == (400, 200)
    assert refused.headers["Referrer-Policy"] == "no-referrer"


def test_whoever_was_signed_in_in_the_browser_is_signed_out(operator, invited):
    assert registered(operator).status_code == 200
    assert operator.get("/").location == "/login/"


def test_the_pages_are_limited(app, visitor, invited):
    limit = app.config["LINK_RATE_LIMIT"]
    assert limit.startswith("60 per minute")
    answers = [visitor.get("/register/inv_invented").status_code for _ in range(61)]
    assert answers[-1] == 429


def test_an_invitation_that_is_sent_again_meanwhile_ends_the_page(make, visitor, invited):
    form = second_step(visitor)
    make.session.execute(UserInvitation.__table__.update().values(token_hash="x" * 64))
    make.session.commit()

    assert visitor.post(LINK, data=form.sent(register="1")).status_code == 404
