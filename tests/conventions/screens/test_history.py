"""The page of every row shows who changed it, or its form does, or there is a reason why not."""

from __future__ import annotations

from models import audit
from models.actor import Actor
from tests.conventions.screens.cases import SCREENS, screens
from tests.support.pages import Page

WITHOUT_HISTORY = {
    "AnnouncementView": "what NEC's staff changed is on the page of StaffAnnouncementView",
    "AuditLogView": "entries never change",
    "CorrectionView": "corrections are added, and never change",
    "StaffAuditLogView": "entries never change",
}

PERSON = "who-changed-it@example.jp"


def test_screens_without_a_history_have_a_reason():
    without = {
        name for name, cls in SCREENS.items() if {"show", "edit"} & cls.include_route_methods and not cls.history
    }

    assert without == set(WITHOUT_HISTORY)


def people_in_history(case, route):
    """Record a change of a row by ``PERSON``, and return who has changed it according to a page."""
    row = case.row()
    audit.record(case.make.session, "thing.restored", row, by=Actor(PERSON), before={}, after={})
    case.make.session.commit()
    return [each["変更者"] for each in case.page(route, row).rows if "変更者" in each]


@screens("show", unless=lambda screen: not screen.history)
def test_the_page_of_a_row_shows_who_changed_it(case):
    assert people_in_history(case, "show") == [PERSON]


@screens("edit", unless=lambda screen: not screen.history or "show" in screen.include_route_methods)
def test_a_row_without_a_page_shows_it_below_its_form(case):
    assert people_in_history(case, "edit") == [PERSON]


@screens("show", unless=lambda screen: not screen.history or "add" not in screen.include_route_methods)
def test_a_row_that_was_created_on_its_form_shows_by_whom(case):
    answer = case.post("add", case.answered(case.form(), case.new_values()))
    row = case.newest()

    page = case.page("show", row)

    assert answer.status_code == 302
    assert {each["変更者"] for each in page.rows if "変更者" in each} == {case.user.email}


def test_what_belongs_to_no_tenant_shows_it_only_to_readers_of_necs_log(app, make, signed_in, monkeypatch):
    product = make.product()
    audit.record(make.session, "product.changed", product, by=Actor(PERSON), before={}, after={})
    make.session.commit()
    admin, may = signed_in(make.elevated("NEC Admin")), app.appbuilder.sm.has_access

    seen = admin.get(f"/staff/products/{product.id}")
    monkeypatch.setattr(
        app.appbuilder.sm, "has_access", lambda right, view: view != "StaffAuditLog" and may(right, view)
    )
    unseen = admin.get(f"/staff/products/{product.id}")

    assert [(each.status_code, PERSON in each.text) for each in (seen, unseen)] == [(200, True), (200, False)]


def test_sign_ins_are_no_changes_of_a_user(make, signed_in):
    user = make.user()
    for action in ("sign_in.succeeded", "sign_out", "session.ended", "user.unlocked"):
        audit.record(make.session, action, ("User", user.id), by=Actor(PERSON), before={}, after={})
    audit.record(make.session, "user.role_granted", ("User", user.id), by=Actor(PERSON), after={"role": "NEC Staff"})
    make.session.commit()

    page = Page(signed_in(make.elevated("NEC Admin")).get(f"/users/show/{user.id}").text)

    assert [each["項目"] for each in page.rows if "変更者" in each] == ["ロール", "ロック解除"]
