"""UTM追加申請: the list, the page and the decisions (§8.3)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.mail.outbox import MailMessage
from tests.factories.applications import DELIVERY
from tests.support.pages import Page

URL = "/utm-applications/"


@pytest.fixture
def row(operator, make):
    """A pending application of a customer of the operator's tenant."""
    return make.utm_application(customer_row=make.customer(tenant=operator.tenant, name="サンプル企業"))


@pytest.fixture
def stored(make):
    """The application as it is stored now."""

    def stored(row):
        make.session.expire_all()
        return make.session.get(type(row), row.id)

    return stored


def page_of(client, row=None, **query):
    return Page(client.get(URL + (row.id if row else ""), query_string=query).text)


@pytest.fixture
def three(operator, make):
    return {
        state: make.utm_application(tenant=operator.tenant, state=state).id
        for state in ("pending", "approved", "denied")
    }


def test_by_default_what_waits_is_listed_and_nothing_can_be_held(operator, three):
    page = page_of(operator)

    assert page.column("申請番号") == [three["pending"]]
    options = page.root.one("select", id="filter-status").all("option")
    assert [each.text for each in options] == ["未承認", "否認", "承認済み", "すべて"]
    assert [each.attributes["data-actions"] for each in page.root.all("input", name="chosen")] == ["approve deny"]
    assert "保留" not in [each.text for each in page.main.all("button")]


@pytest.mark.parametrize("state", ["approved", "denied"])
def test_one_status_is_listed(operator, three, state):
    assert page_of(operator, status=state).column("申請番号") == [three[state]]
    assert len(page_of(operator, status="all").rows) == 3


def test_it_is_found_by_company_number_and_period(operator, make, row):
    make.utm_application(tenant=operator.tenant)

    for query in ({"company": "サンプル"}, {"id": row.id[-3:]}):
        assert row.id in page_of(operator, **query).column("申請番号")
    assert page_of(operator, company="サンプル").column("会社名") == ["サンプル企業"]
    assert page_of(operator, unit="month", month="2026-10").rows == []
    assert len(page_of(operator, unit="month", month="2026-11").rows) == 2


@pytest.mark.parametrize("sort", ["id", "company", "state", "applied_at"])
def test_it_is_sorted_by_each_column(operator, make, sort):
    for name in ("かもめ", "あおぞら"):
        make.utm_application(customer_row=make.customer(tenant=operator.tenant, name=name))

    there, back = (page_of(operator, sort=sort, direction=direction).column("会社名") for direction in ("asc", "desc"))

    assert there == back[::-1]


DECIDED = [
    ("承認", "申請を承認します。 よろしいでしょうか。", "申請を承認しました。(対象の申請番号：{})", "approved"),
    ("否認", "申請を否認します。 よろしいでしょうか。", "申請を否認しました。(対象の申請番号：{})", "denied"),
]


@pytest.mark.parametrize("on_page", [True, False])
@pytest.mark.parametrize(("label", "question", "message", "state"), DECIDED)
def test_it_is_decided_after_a_question(operator, row, stored, send, told, on_page, label, question, message, state):
    page, more = (page_of(operator, row), {}) if on_page else (page_of(operator), {"chosen": f"{row.id}:1"})

    asked = send(operator, page, label, ok=False, **more)
    assert question in Page(asked.text).main.text
    assert stored(row).state == "pending"

    answer = send(operator, page, label, **more)
    assert message.format(row.id) in told(operator, answer)
    assert stored(row).state == state


def test_an_approval_leads_to_the_contract_with_the_address(operator, row, send):
    answer = send(operator, page_of(operator), "承認", chosen=f"{row.id}:1")

    page = Page(operator.get(answer.location).text)
    wanted = f"/customers/{row.customer_id}/contracts/add?delivery=utm-{row.deliveries[0].id}"
    assert wanted in page.links
    assert Page(operator.get(wanted).text).main_form.sent()["ship_company"] == DELIVERY["company"]


def test_the_reason_of_a_denial_is_mailed_if_the_operator_wants(operator, make, row, send):
    send(operator, page_of(operator, row), "否認", reason="在庫がありません。", tell_reason="y")

    mail = make.session.scalars(select(MailMessage).where(MailMessage.kind == "utm_application_result")).one()
    assert "在庫がありません。" in mail.whole_body


def test_the_second_of_two_operators_is_told_that_it_is_decided(operator, make, signed_in, row, stored, send, told):
    other = signed_in(make.member(operator.tenant, "Partner Operator"), operator.tenant)
    page = page_of(other)
    send(operator, page_of(operator, row), "否認")

    answer = send(other, page, "承認", chosen=f"{row.id}:1")

    assert "この申請は既に承認または否認されています。" in told(other, answer)
    assert stored(row).state == "denied"


def test_the_page_shows_all_parts(operator, row):
    page = page_of(operator, row)

    for text in (row.id, "2026-11-20 12:00:00", "未承認", row.customer_id, "サンプル企業", "緑川 三郎"):
        assert text in page.main.text
    assert page.column("台数") == ["2"]
    assert f"/customers/{row.customer_id}" in page.links


def test_a_viewer_reads_and_decides_nothing(viewer, row):
    assert page_of(viewer).root.all("input", name="chosen") == []
    assert page_of(viewer, row).main.all("textarea") == []
    for name in ("approve", "deny"):
        assert viewer.post(URL + name, data={"chosen": f"{row.id}:1"}).status_code == 403
        assert viewer.post(f"{URL}{row.id}/{name}").status_code == 403


def test_an_application_of_another_tenant_is_not_found(operator, make):
    theirs = make.utm_application()

    assert operator.get(URL + theirs.id).status_code == 404
    for name in ("approve", "deny"):
        assert operator.post(URL + name, data={"chosen": f"{theirs.id}:1"}).status_code == 404
        assert operator.post(f"{URL}{theirs.id}/{name}").status_code == 404
