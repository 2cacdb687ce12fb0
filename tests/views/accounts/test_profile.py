"""The signed-in user's own profile."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.accounts import user_rules
from models.actor import SYSTEM
from models.audit import AuditEntry
from tests.support.pages import Page

ENTERED = {"name": "青空　緑", "company": "青空販売", "department": "営業部", "phone": "03-1234-5678", "note": "窓口"}


def test_the_profile_is_changed_and_noted(make, operator):
    page = Page(operator.get("/profile/").text)

    answer = operator.post("/profile/", data=page.main_form.sent(ENTERED))

    assert answer.location == "/profile/"
    user = operator.user
    make.session.refresh(user)
    assert (user.get_full_name(), user.company, user.department, user.phone, user.note) == (
        "青空 緑",
        "青空販売",
        "営業部",
        "0312345678",
        "窓口",
    )
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.user_id, entry.before["last_name"], entry.after["last_name"]) == (
        "user.changed",
        user.id,
        "見守",
        "青空",
    )
    shown = Page(operator.get("/profile/").text)
    assert shown.main_form.sent()["name"] == "青空 緑"
    assert "青空 緑" in shown.root.one("header").text


def test_the_user_menu_leads_there_and_it_leads_to_the_password(make, signed_in):
    client = signed_in(make.elevated("NEC Staff"))
    profile = Page(client.get("/profile/").text).root

    assert "/profile/" in Page(client.get("/tenants/").text).links
    assert "/password/" in [each.attributes.get("href") for each in profile.classed("btn")]


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "あ" * 101), ("company", "あ" * 101), ("phone", "1" * 16), ("note", "あ" * 256)],
)
def test_what_cannot_be_saved_is_told_at_its_field(operator, field, value):
    form = Page(operator.get("/profile/").text).main_form

    answer = operator.post("/profile/", data=form.sent(ENTERED | {field: value}))

    assert answer.status_code == 422
    assert Page(answer.text).error_of(field)


def test_nothing_changed_is_told(operator):
    form = Page(operator.get("/profile/").text).main_form

    assert operator.post("/profile/", data=form.sent()).status_code == 422


def test_of_two_changes_the_second_is_shown_the_first(make, operator):
    first, second = (
        Page(operator.get("/profile/").text).main_form.sent({"company": name}) for name in ("一社", "二社")
    )

    answers = [operator.post("/profile/", data=each) for each in (first, second)]

    assert [each.status_code for each in answers] == [302, 409]
    assert Page(answers[1].text).differences == [("会社名", "一社", "二社")]


def test_an_administrators_change_of_the_address_is_no_conflict(make, operator):
    form = Page(operator.get("/profile/").text).main_form.sent(ENTERED)
    user = operator.user
    values = {"last_name": "見守", "first_name": "花子", "email": user.email, "active": True}
    user_rules.change_user(make.session, user, values, ["NEC Staff"], version=user.version, by=SYSTEM)
    make.session.commit()

    assert operator.post("/profile/", data=form).status_code == 302
