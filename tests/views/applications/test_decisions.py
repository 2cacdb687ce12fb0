"""Approving, denying and holding service applications, from the list and from their pages (§8.2.2, §8.2.3)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models.audit import AuditEntry
from models.customers.customer import Customer
from models.mail.outbox import MailMessage
from tests.support.pages import Page

URL = "/service-applications/"


@pytest.fixture
def row(operator, make):
    """A pending application of the operator's tenant."""
    return make.service_application(tenant=operator.tenant, company="みどり電機")


@pytest.fixture
def stored(make):
    """The application as it is stored now."""

    def stored(row):
        make.session.expire_all()
        return make.session.get(type(row), row.id)

    return stored


def list_page(client, **query):
    return Page(client.get(URL, query_string=query).text)


def detail(client, row):
    return Page(client.get(URL + row.id).text)


CHOSEN = [
    ("承認", "申請を承認します。 よろしいでしょうか。", "申請を承認しました。(対象の申請番号：{})", "approved"),
    ("否認", "申請を否認します。 よろしいでしょうか。", "申請を否認しました。(対象の申請番号：{})", "denied"),
    ("保留", "申請を保留します。 よろしいでしょうか。", "申請を保留しました。", "held"),
]


@pytest.mark.parametrize(("label", "question", "message", "state"), CHOSEN)
def test_the_chosen_application_is_decided_after_a_question(
    operator, row, stored, send, told, label, question, message, state
):
    page = list_page(operator)

    asked = send(operator, page, label, ok=False, chosen=f"{row.id}:1")
    assert question in Page(asked.text).main.text
    assert stored(row).state == "pending"

    answer = send(operator, page, label, chosen=f"{row.id}:1")
    assert answer.location.partition("?")[0] == URL
    assert message.format(row.id) in told(operator, answer)
    assert stored(row).state == state


@pytest.mark.parametrize(("label", "question", "message", "state"), [*CHOSEN[:2], ("保存して保留", *CHOSEN[2][1:])])
def test_an_application_is_decided_on_its_page_after_a_question(
    operator, row, stored, send, told, label, question, message, state
):
    page = detail(operator, row)

    asked = send(operator, page, label, ok=False, memo1="めも")
    assert question in Page(asked.text).main.text
    assert stored(row).state == "pending"

    answer = send(operator, page, label, memo1="めも", memo3="めも3")
    assert message.format(row.id) in told(operator, answer)
    assert (stored(row).state, stored(row).memo1, stored(row).memo3) == (state, "めも", "めも3")


def test_the_question_of_an_approval_has_a_summary_and_the_possible_duplicates(operator, make, row, send):
    make.customer(tenant=operator.tenant, name="別名", contact_phone=row.phone)

    asked = Page(send(operator, list_page(operator), "承認", ok=False, chosen=f"{row.id}:1").text).main.text

    assert "みどり電機" in asked
    assert "次の顧客が同じ会社の可能性があります" in asked
    assert "別名" in asked


def test_cancelling_the_question_keeps_what_was_typed(operator, row, send):
    answer = send(operator, detail(operator, row), "承認", memo1="めも", back_to_form="1")

    assert Page(answer.text).main_form.sent()["memo1"] == "めも"


def test_without_a_choice_one_is_asked_for(operator, row, send, told):
    answer = send(operator, list_page(operator), "承認", ok=False)

    assert "申請を選択してください。" in told(operator, answer)


def test_a_held_application_is_not_held_again_from_the_list(operator, make, send, told):
    row = make.service_application(tenant=operator.tenant, state="held")

    answer = send(operator, list_page(operator), "保留", chosen=f"{row.id}:1")

    assert "この申請は既に保留されています。" in told(operator, answer)


def test_the_memos_of_a_held_application_are_saved_again_on_its_page(operator, make, stored, send):
    row = make.service_application(tenant=operator.tenant, state="held", memo1="前")

    send(operator, detail(operator, row), "保存して保留", memo1="後")

    assert (stored(row).state, stored(row).memo1) == ("held", "後")


def test_an_approval_makes_the_customer_and_leads_to_its_contract(operator, make, row, stored, send):
    answer = send(operator, detail(operator, row), "承認", memo1="めも")

    customer = make.session.get(Customer, stored(row).customer_id)
    assert (customer.name, customer.memo1) == ("みどり電機", "めも")
    for url in (answer.location, URL + row.id):
        page = Page(operator.get(url).text)
        wanted = f"/customers/{customer.id}/contracts/add?delivery=service-{row.deliveries[0].id}"
        assert [link for link in page.links if "contracts/add" in link] == [wanted]
        assert f"/customers/{customer.id}/utms/add" in page.links


def test_an_approval_invites_the_named_users_to_the_customers_portal(operator, make, row, stored, send):
    from models.applications.application import ApplicationUser

    user = {"last_name": "青空", "first_name": "緑", "email": "midori@example.com"}
    make.save(ApplicationUser(tenant_id=row.tenant_id, application_id=row.id, **user))

    send(operator, detail(operator, row), "承認")

    mail = make.session.scalars(select(MailMessage).where(MailMessage.kind == "portal_user_invited")).one()
    assert "https://customer.example.jp/sign-up/psu_" in mail.whole_body


def test_an_approval_links_the_chosen_customer(operator, make, row, stored, send):
    customer = make.customer(tenant=operator.tenant, name="みどり電機", memo1="")
    page = detail(operator, row)
    assert "会社名" in page.root.one("section", aria_labelledby="duplicates").text

    asked = Page(send(operator, page, "承認", ok=False, customer_id=customer.id).text)
    assert f"{customer.id} みどり電機" in asked.main.text
    send(operator, page, "承認", customer_id=customer.id)

    assert stored(row).customer_id == customer.id


def test_a_customer_that_is_no_duplicate_is_refused(operator, make, row, stored, send):
    theirs = make.customer(name="みどり電機")

    answer = send(operator, detail(operator, row), "承認", customer_id=theirs.id)

    assert answer.status_code == 422
    assert stored(row).state == "pending"


@pytest.mark.parametrize(("ticked", "mailed"), [("y", True), (None, False)])
def test_the_reason_of_a_denial_is_mailed_if_the_operator_wants(operator, make, row, stored, send, ticked, mailed):
    send(operator, detail(operator, row), "否認", reason="対象地域外です。", tell_reason=ticked)

    mail = make.session.scalars(select(MailMessage).where(MailMessage.kind == "application_result")).one()
    assert ("対象地域外です。" in mail.whole_body) is mailed
    assert "対象地域外です。" in detail(operator, row).main.text


def test_too_long_memos_and_reasons_are_told_beside_them(operator, row, stored, send):
    answer = send(operator, detail(operator, row), "否認", memo2="あ" * 256, reason="あ" * 1001)

    page = Page(answer.text)
    assert answer.status_code == 422
    assert "255文字以下" in page.error_of("memo2")
    assert "1000文字以下" in page.error_of("reason")
    assert stored(row).state == "pending"


@pytest.mark.parametrize("second", ["承認", "否認"])
def test_the_second_of_two_operators_is_told_that_it_is_decided(
    operator, make, signed_in, row, stored, send, told, second
):
    other = signed_in(make.member(operator.tenant, "Partner Operator"), operator.tenant)
    pages = list_page(other), detail(other, row)
    send(operator, detail(operator, row), "否認")

    for page, more in ((pages[0], {"chosen": f"{row.id}:1"}), (pages[1], {})):
        answer = send(other, page, second, **more)
        assert "この申請は既に承認または否認されています。" in told(other, answer)
    assert stored(row).state == "denied"
    decided = select(AuditEntry).where(AuditEntry.action.like("service_application.%"))
    assert [each.action for each in make.session.scalars(decided)] == ["service_application.denied"]


def test_the_second_of_two_operators_sees_the_memos_of_the_first(operator, make, signed_in, row, stored, send):
    other = signed_in(make.member(operator.tenant, "Partner Operator"), operator.tenant)
    page = detail(other, row)
    send(operator, detail(operator, row), "保存して保留", memo1="先の人")

    answer = send(other, page, "承認", memo1="後の人")

    shown = Page(answer.text)
    assert answer.status_code == 409
    assert shown.differences == [("メモ1", "先の人", "後の人")]
    assert stored(row).state == "held"
    send(other, shown, "承認")
    assert (stored(row).state, stored(row).memo1) == ("approved", "後の人")


def test_a_list_that_is_out_of_date_decides_nothing(operator, make, row, stored, send, told):
    page = list_page(operator)
    send(operator, detail(operator, row), "保存して保留", memo1="めも")

    answer = send(operator, page, "承認", chosen=f"{row.id}:1")

    assert answer.location == URL + row.id
    assert "他のユーザがこの申請を更新しました。" in told(operator, answer)
    assert stored(row).state == "held"


def test_after_a_decision_one_is_back_on_the_list_as_it_was(operator, row, send):
    page = list_page(operator, status="pending", company="みどり")

    answer = send(operator, page, "保留", chosen=f"{row.id}:1")
    assert answer.location == URL + "?status=pending&company=%E3%81%BF%E3%81%A9%E3%82%8A"


def test_the_page_shows_all_parts(operator, make, row):
    from models.applications.application import ApplicationAnswer, ApplicationUser

    field = make.application_field(tenant=operator.tenant, title="業種")
    make.save(ApplicationAnswer(tenant_id=row.tenant_id, application_id=row.id, field_id=field.id, value="製造"))
    user = {"last_name": "青空", "first_name": "緑", "email": "midori@example.com", "mobile": "09012345678"}
    make.save(ApplicationUser(tenant_id=row.tenant_id, application_id=row.id, **user))

    page = detail(operator, row)

    for title in ("申込み情報", "会社情報", "UTM情報", "追加情報", "ユーザ情報"):
        assert title in [each.text for each in page.main.all("h2")]
    for text in ("2026-11-20 12:00:00", "未承認", "緑川 次郎", "課長", "大阪府", "業種", "製造", "青空 緑", "待ち時間"):
        assert text in page.main.text
    assert "09012345678" in page.column("携帯番号")
    assert page.column("台数") == ["2"]
    assert "さらに表示" in page.main.text


@pytest.mark.parametrize("state", ["approved", "denied"])
def test_a_decided_application_cannot_be_changed(operator, make, state):
    row = make.service_application(tenant=operator.tenant, state=state, memo2="めも2")

    page = detail(operator, row)

    assert [each for each in page.forms if "data-validated" in each.element.attributes] == []
    assert "めも2" in page.main.text
    assert "operator@example.jp" in page.main.text


def test_who_looked_at_an_application_is_shown_to_others(operator, make, row, viewer):
    viewer.get(URL + row.id)
    viewer.get(URL + row.id)

    page = detail(operator, row)

    assert len(page.column("閲覧日時")) == 1
    assert page.column("ユーザ")[0].startswith("user")
