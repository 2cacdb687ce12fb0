"""サービス利用申請情報 and UTM追加申請情報 of a customer (§7.4.2, §7.4.3), and the link of the UTM application form."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from models.applications.application import ApplicationAnswer, ApplicationUser, CustomerAnswer
from models.tenants.settings import TenantSettings
from tests.support.pages import Page, answered

SERVICE, UTMS = "サービス利用申請情報", "UTM追加申請情報"
ASKED = "追加情報を更新します。よろしいでしょうか。"


@pytest.fixture
def customer(make, operator):
    return make.customer(tenant=operator.tenant, name="かもめ工業")


@pytest.fixture
def viewer(make, signed_in, operator):
    return signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)


def url(customer, path="service-application"):
    return f"/customers/{customer.id}/{path}"


def tabs(client, customer, path=""):
    page = Page(client.get(url(customer, path).rstrip("/")).text)
    return [each.text for each in page.main.classed("nav-link")]


def facts(page):
    return {
        label.text: value.text
        for each in page.main.all("dl")
        for label, value in zip(each.all("dt"), each.all("dd"), strict=True)
    }


def answers(make):
    make.session.rollback()
    return dict(map(tuple, make.session.execute(text("SELECT field_id, value FROM customer_answer")).all()))


def approved(make, operator, customer, **values):
    return make.service_application(tenant=operator.tenant, state="approved", customer_id=customer.id, **values)


def test_tabs_without_content_are_hidden(operator, make, customer):
    make.service_application(tenant=operator.tenant)
    make.utm_application(customer_row=customer)
    make.utm_application(customer_row=customer, state="denied")
    make.application_field()
    make.application_field(tenant=operator.tenant, retired_at="2026-11-01T00:00:00Z")

    assert tabs(operator, customer) == ["顧客情報", "ユーザ管理", "セキュリティサービス", "請求"]
    for path in ("service-application", "service-application/answers", "utm-applications"):
        assert operator.get(url(customer, path)).status_code == 404


def test_an_approved_application_opens_its_tab(operator, make, customer):
    approved(make, operator, customer)

    assert tabs(operator, customer) == ["顧客情報", SERVICE, "ユーザ管理", "セキュリティサービス", "請求"]


def test_extra_questions_open_the_tab_without_an_application(operator, make, customer):
    make.application_field(tenant=operator.tenant)

    assert SERVICE in tabs(operator, customer)
    assert operator.get(url(customer)).status_code == 200


def test_an_approved_utm_application_opens_its_tab(operator, make, customer):
    make.utm_application(customer_row=customer, state="approved")

    for path in ("", "utm-applications", "users/", "invoices/", "security"):
        page = Page(
            operator.get(url(customer, path).rstrip("/") if not path.endswith("/") else url(customer, path)).text
        )
        assert UTMS in [each.text for each in page.main.classed("nav-link")], path


def test_every_section_of_an_application_is_shown(operator, make, customer):
    field = make.application_field(tenant=operator.tenant, title="業種")
    application = approved(
        make, operator, customer, id="AAP-4X3XDIQQ", company="かもめ工業", memo1="一つ目", memo3="三つ目"
    )
    application.users = [
        ApplicationUser(
            tenant_id=operator.tenant.id,
            last_name="青空",
            first_name="みどり",
            email="midori@example.com",
            mobile="09012345678",
        )
    ]
    application.answers = [ApplicationAnswer(tenant_id=operator.tenant.id, field_id=field.id, value="製造")]
    make.save(application)
    make.save(CustomerAnswer(tenant_id=operator.tenant.id, customer_id=customer.id, field_id=field.id, value="小売"))

    page = Page(operator.get(url(customer)).text)

    shown = facts(page)
    assert shown["申請番号"] == "AAP-4X3XDIQQ"
    assert shown["申請日時"] == "2026-11-20 12:00:00"
    assert (shown["ステータス"], shown["メモ1"], shown["メモ3"]) == ("承認済み", "一つ目", "三つ目")
    assert (shown["会社名"], shown["氏名"], shown["役職"]) == ("かもめ工業", "緑川 次郎", "課長")
    assert (shown["郵便番号"], shown["都道府県"], shown["電話番号"]) == ("530-0001", "大阪府", "0612345678")
    assert shown["業種"] == "小売"
    delivery, user = page.rows
    assert delivery == {
        "会社名": "株式会社みどり電機",
        "氏名": "緑川 三郎",
        "部署名": "情報システム部",
        "郵便番号": "530-0001",
        "住所": "大阪府大阪市北区梅田一丁目1番1号",
        "電話番号": "0612345679",
        "台数": "2",
    }
    assert user == {"氏名": "青空 みどり", "メールアドレス": "midori@example.com", "携帯番号": "09012345678"}


def test_several_applications_of_a_customer_are_shown_newest_first(operator, make, customer):
    approved(make, operator, customer, id="AAP-00000001", applied_at="2026-11-01T00:00:00Z")
    approved(make, operator, customer, id="AAP-00000002", applied_at="2026-11-02T00:00:00Z")

    page = operator.get(url(customer)).text

    assert 0 < page.index("AAP-00000002") < page.index("AAP-00000001")


def test_answers_are_updated_after_a_question(operator, make, customer):
    kind = {"kind": "choice", "choices": ["製造", "小売"], "required": True}
    trade = make.application_field(tenant=operator.tenant, title="業種", **kind)
    staff = make.application_field(tenant=operator.tenant, title="従業員数")
    page_url = url(customer, "service-application/answers")
    assert page_url in Page(operator.get(url(customer)).text).links
    form = Page(operator.get(page_url).text).main_form
    sent = form.sent({f"question{trade.id}": "小売", f"question{staff.id}": " 20人 "})
    assert ASKED in Page(operator.post(page_url, data=sent).text).main.text
    assert answers(make) == {}

    page = Page(operator.post(page_url, data=answered(sent), follow_redirects=True).text)

    assert "追加情報を更新しました。" in page.main.text
    assert answers(make) == {trade.id: "小売", staff.id: "20人"}
    assert facts(page) == {"業種": "小売", "従業員数": "20人"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "必須項目です。入力してください。"),
        ("あ" * 256, "255文字以下で入力してください。"),
        ("a\nb", "改行や制御文字"),
    ],
    ids=range(3),
)
def test_an_answer_that_does_not_fit_is_said_beside_its_field(operator, make, customer, value, message):
    field = make.application_field(tenant=operator.tenant, required=True)

    answer = operator.post(url(customer, "service-application/answers"), data={f"question{field.id}": value})

    assert answer.status_code == 422
    assert message in Page(answer.text).error_of(f"question{field.id}")
    assert answers(make) == {}


def test_a_choice_that_is_not_offered_is_refused_but_the_present_answer_stays_possible(operator, make, customer):
    field = make.application_field(tenant=operator.tenant, kind="choice", choices=["製造"])
    other = make.application_field(tenant=operator.tenant)
    make.save(CustomerAnswer(tenant_id=operator.tenant.id, customer_id=customer.id, field_id=field.id, value="旧"))
    page_url = url(customer, "service-application/answers")

    refused = operator.post(page_url, data={f"question{field.id}": "なし", f"question{other.id}": ""})
    kept = operator.post(page_url, data={f"question{field.id}": "旧", f"question{other.id}": "x"})

    assert (refused.status_code, kept.status_code) == (422, 302)
    assert answers(make) == {field.id: "旧", other.id: "x"}


def test_something_must_change(operator, make, customer):
    make.application_field(tenant=operator.tenant)
    page_url = url(customer, "service-application/answers")

    answer = operator.post(page_url, data=answered(Page(operator.get(page_url).text).main_form.sent()))

    assert answer.status_code == 422
    assert "1つ以上の項目を変更してください。" in Page(answer.text).main.text


def test_what_somebody_else_saved_meanwhile_is_shown_first(operator, make, customer):
    field = make.application_field(tenant=operator.tenant, title="業種")
    page_url = url(customer, "service-application/answers")
    form = Page(operator.get(page_url).text).main_form
    make.save(CustomerAnswer(tenant_id=operator.tenant.id, customer_id=customer.id, field_id=field.id, value="小売"))
    sent = answered(form.sent({f"question{field.id}": "製造"}))

    conflict = operator.post(page_url, data=sent)
    again = answered(Page(conflict.text).main_form.sent())
    saved = operator.post(page_url, data=again)

    assert (conflict.status_code, saved.status_code) == (409, 302)
    assert "小売" in Page(conflict.text).main.text
    assert answers(make) == {field.id: "製造"}


def test_of_answers_saved_at_the_same_moment_one_is_stored_and_the_others_see_it(make, operator, customer, signed_in):
    field = make.application_field(tenant=operator.tenant, title="業種")
    page_url = url(customer, "service-application/answers")
    clients = [signed_in(make.member(operator.tenant, "Partner Operator"), operator.tenant) for _ in range(6)]
    forms = [Page(client.get(page_url).text).main_form for client in clients]
    together = Barrier(len(clients))

    def save(number):
        together.wait(timeout=30)
        sent = answered(forms[number].sent({f"question{field.id}": f"答え{number}"}))
        return clients[number].post(page_url, data=sent)

    with ThreadPoolExecutor(len(clients)) as pool:
        saved = list(pool.map(save, range(len(clients))))

    assert Counter(answer.status_code for answer in saved) == {302: 1, 409: 5}
    (stored,) = answers(make).values()
    assert all(stored in Page(answer.text).main.text for answer in saved if answer.status_code == 409)


def test_a_viewer_changes_no_answers(viewer, make, operator, customer):
    field = make.application_field(tenant=operator.tenant)
    page_url = url(customer, "service-application/answers")

    assert page_url not in Page(viewer.get(url(customer)).text).links
    assert viewer.get(page_url).status_code == 403
    assert viewer.post(page_url, data={f"question{field.id}": "x"}).status_code == 403
    assert answers(make) == {}


def test_the_addresses_of_approved_utm_applications_are_listed_newest_first(operator, make, customer):
    make.utm_application(customer_row=customer)
    make.utm_application(customer_row=customer, state="denied")
    make.utm_application(customer_row=customer, state="approved", id="UAP-00000001", applied_at="2026-11-01T00:00:00Z")
    make.utm_application(customer_row=customer, state="approved", id="UAP-00000002", applied_at="2026-11-02T00:00:00Z")
    make.utm_application(tenant=operator.tenant, state="approved")

    page = Page(operator.get(url(customer, "utm-applications")).text)

    assert page.column("申請番号") == ["UAP-00000002", "UAP-00000001"]
    assert page.rows[0] == {
        "申請日時": "2026-11-02 09:00:00",
        "申請番号": "UAP-00000002",
        "会社名": "株式会社みどり電機",
        "氏名": "緑川 三郎",
        "部署名": "情報システム部",
        "郵便番号": "530-0001",
        "住所": "大阪府大阪市北区梅田一丁目1番1号",
        "電話番号": "0612345679",
        "台数": "2",
    }


def test_a_customer_of_another_tenant_is_not_found(operator, make):
    theirs = make.customer()
    make.utm_application(customer_row=theirs, state="approved")
    make.application_field(tenant=operator.tenant)

    for path in ("service-application", "service-application/answers", "utm-applications"):
        assert operator.get(url(theirs, path)).status_code == 404


def test_the_link_of_the_utm_form_is_for_whoever_may_change_the_customer(operator, viewer, make, customer):
    def link(client):
        page = Page(client.get(f"/customers/{customer.id}").text)
        return [each.attributes["value"] for each in page.main.all("input", readonly="")]

    (shown,) = link(operator)
    assert "/apply-utm/" in shown
    assert link(viewer) == []

    make.session.add(TenantSettings(tenant_id=operator.tenant.id, utm_applications=False))
    make.session.commit()
    assert link(operator) == []
