"""サポート画面 (§9.1) and the form of NEC's staff."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.support import support_page
from models.support.support_page import ManualLink, SupportContent
from tests.support.pages import Page

URL = "/staff/support/"
FORM = {
    "links-0-title": "操作マニュアル",
    "links-0-url": "https://manual.example.jp/a?b=1&c=2",
    "contact_name": "パートナー窓口",
    "email": "desk@example.jp",
    "phone": "0312345678",
    "hours": "平日 9:00-17:00",
}


@pytest.fixture
def staff(make, signed_in):
    """Staff who have chosen no tenant."""
    return signed_in(make.elevated("NEC Staff", email="staff@example.jp"))


def test_users_see_the_manuals_and_the_contact_that_staff_maintain(staff, operator, make):
    assert "support@example.jp" in Page(operator.get("/support/").text).main.text

    asked = staff.post(URL, data=FORM | {"version": "0", "ask": "1", "question": "よろしいですか。"})
    assert (asked.status_code, support_page.stored(make.session)[1]) == (200, 0)
    assert staff.post(URL, data=FORM | {"version": "0"}).status_code == 302

    page = operator.get("/support/").text
    assert '<a href="https://manual.example.jp/a?b=1&amp;c=2" rel="noreferrer">操作マニュアル</a>' in page
    assert 'href="mailto:desk@example.jp"' in page
    assert all(text in Page(page).main.text for text in ("パートナー窓口", "0312345678", "平日 9:00-17:00"))
    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "support_page.changed")).one()
    assert (entry.actor, entry.after["email"]) == ("staff@example.jp", "desk@example.jp")


def test_links_are_added_and_removed_in_the_form_alone(staff, make):
    added = Page(staff.post(URL, data=FORM | {"version": "0", "add_link": "1"}).text).main_form
    assert [name for name in added.sent({}) if name.endswith("-url")] == ["links-0-url", "links-1-url"]
    many = {f"links-{number}-{name}": "https://a.jp" for number in range(20) for name in ("title", "url")}
    assert "20" in Page(staff.post(URL, data=FORM | many | {"version": "0", "add_link": "1"}).text).main.text

    removed = Page(staff.post(URL, data=FORM | {"version": "0", "remove_link": "0"}).text).main_form

    assert [name for name in removed.sent({}) if name.endswith("-url")] == []
    assert support_page.stored(make.session) == (SupportContent(), 0)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"links-0-url": "http://manual.example.jp/"}, 422),
        ({"links-0-url": "javascript:alert(1)"}, 422),
        ({"links-0-title": ""}, 422),
        ({"email": "nobody"}, 422),
        ({f"links-{number}-{name}": "https://a.jp" for number in range(21) for name in ("title", "url")}, 422),
        ({"version": "7"}, 409),
    ],
)
def test_wrong_content_and_changes_in_the_meantime_are_refused(staff, make, changed, status):
    answer = staff.post(URL, data=FORM | {"version": "0"} | changed)

    assert answer.status_code == status
    assert support_page.stored(make.session) == (SupportContent(), 0)


def test_the_form_has_what_is_stored_and_an_unchanged_one_is_refused(staff, make):
    staff.post(URL, data=FORM | {"version": "0"})

    form = Page(staff.get(URL).text).main_form
    answer = staff.post(URL, data=FORM | {"version": "1"})

    assert form.sent({})["links-0-title"] == "操作マニュアル"
    assert answer.status_code == 422
    assert support_page.stored(make.session)[0].links == (
        ManualLink("操作マニュアル", "https://manual.example.jp/a?b=1&c=2"),
    )
