"""申込み招待URL (§8.2.2 (2))."""

from __future__ import annotations

from sqlalchemy import select

from models.audit import AuditEntry
from tests.support.pages import Page, answered
from views.public_applications.links import invitation_url

URL = "/service-applications/invitation"


def shown(client) -> str:
    return Page(client.get(URL).text).root.one("input", id="invitation-url").attributes["value"]


def test_the_url_is_shown_with_a_button_that_copies_it_and_the_way_back(app, operator):
    page = Page(operator.get(URL).text)

    with app.test_request_context():
        assert shown(operator) == invitation_url(operator.tenant.id, 1)
    assert [each.text for each in page.main.all("button", data_copies="invitation-url")] == ["コピーコピーしました"]
    assert "/service-applications/" in page.links


def test_renewing_it_asks_first_and_ends_the_old_one(app, operator, make):
    old = shown(operator)
    form = Page(operator.get(URL).text).form_to(f"{URL}/renew")

    asked = Page(operator.post(form.action, data=form.sent()).text)
    assert "現在のURLは使用できなくなります。" in asked.main.text
    assert shown(operator) == old

    answer = operator.post(form.action, data=answered(form.sent()))
    assert "申込み招待URLを更新しました。" in Page(operator.get(answer.location).text).main.text
    with app.test_request_context():
        assert shown(operator) == invitation_url(operator.tenant.id, 2) != old
    entry = make.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.before, entry.after) == (
        "tenant_settings.invitation_renewed",
        {"invitation_number": 1},
        {"invitation_number": 2},
    )


def test_a_viewer_reads_the_url_but_does_not_renew_it(viewer):
    page = Page(viewer.get(URL).text)

    assert page.root.one("input", id="invitation-url").attributes["value"]
    assert f"{URL}/renew" not in [form.action for form in page.forms]


def test_each_tenant_has_its_own(operator, make, signed_in):
    tenant = make.tenant()
    other = signed_in(make.member(tenant, "Partner Operator"), tenant)

    assert shown(operator) != shown(other)
