"""§8.3: a customer applies for more UTMs under a URL made for it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from models import clock
from models.applications.utm_application import UtmApplication
from models.audit import AuditEntry
from tests.support.pages import Page
from tests.support.public_forms import UTM_ENTERED
from views.public_applications.links import utm_form_url


@pytest.fixture
def stored(make):
    def rows():
        make.session.expire_all()
        return make.session.scalars(select(UtmApplication)).all()

    return rows


def test_the_form_is_reviewed_and_sent(utm_visitor, stored, mails, make, tenant, customer):
    make.confirmed_address(tenant, "partner@example.jp")
    review = utm_visitor.post()
    form = next(each for each in Page(review.text).forms if "form_pass" in each.names)

    answer = utm_visitor.client.post(utm_visitor.path, data=form.sent(send="1"))

    (application,) = stored()
    page = Page(utm_visitor.client.get(answer.location).text)
    assert "UTM追加申請を受け付けました" in page.main.text
    assert application.id in page.main.text
    assert application.id.startswith("UAP-")
    assert (application.customer_id, application.utm_count) == (customer.id, 2)
    assert application.recipient == ("緑川 次郎", "jiro@example.com")
    assert mails() == [
        ("utm_application_received", "jiro@example.com"),
        ("utm_application_arrived", "partner@example.jp"),
    ]
    entry = make.session.scalars(select(AuditEntry).where(AuditEntry.action == "utm_application.received")).one()
    assert entry.actor == "jiro@example.com"


def test_the_page_does_not_name_the_customer(utm_visitor, customer):
    assert customer.name not in utm_visitor.client.get(utm_visitor.path).text
    assert customer.name not in utm_visitor.post().text


def test_errors_and_back_keep_what_was_typed(utm_visitor, nothing_made):
    wrong = Page(utm_visitor.send(applicant_email="x").text)
    form = next(each for each in Page(utm_visitor.post().text).forms if "form_pass" in each.names)
    back = Page(utm_visitor.client.post(utm_visitor.path, data=form.sent(back="1")).text)
    added = Page(utm_visitor.post(add_delivery="1").text)

    assert wrong.error_of("applicant_email")
    kept = back.main_form.sent()
    assert {name: kept[name] for name in UTM_ENTERED} == UTM_ENTERED
    assert "deliveries-1-company" in added.main_form.names
    nothing_made()


def test_the_switch_closes_the_form(utm_visitor, settings, nothing_made):
    carried = utm_visitor.carried()
    settings(utm_applications=False)

    answers = [utm_visitor.client.get(utm_visitor.path), utm_visitor.send(carried)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert all("現在、UTM追加申請は受け付けていません。" in answer.text for answer in answers)
    nothing_made()


def test_a_form_that_is_sent_twice_makes_one_application(utm_visitor, stored):
    carried = utm_visitor.carried()

    answers = [utm_visitor.send(carried), utm_visitor.send(carried)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert len(stored()) == 1


def test_ten_applications_wait_at_most(utm_visitor, make, customer, stored):
    for _ in range(10):
        make.utm_application(customer_row=customer)

    answer = utm_visitor.send()

    assert answer.status_code == 422
    assert "10" in Page(answer.text).main.text
    assert len(stored()) == 10


def test_the_sixth_application_for_an_address_within_a_day_is_refused_beside_it(utm_visitor, make, customer, stored):
    for _ in range(5):
        make.utm_application(
            customer_row=customer, state="denied", applicant_email="JIRO@example.com", applied_at=clock.utc_now()
        )

    refused = utm_visitor.send()
    another = utm_visitor.send(applicant_email="goro@example.com")

    assert refused.status_code == 422
    assert Page(refused.text).error_of("applicant_email") != ""
    assert another.status_code == 302
    assert len(stored()) == 6


def test_sent_forms_are_limited_for_each_url_whoever_sends_them(app, utm_visitor, path_of, tenant, make):
    carried = utm_visitor.carried()
    other = path_of(utm_form_url, tenant.id, make.customer(tenant=tenant).id, 1)

    def send(path, number):
        sender = {"REMOTE_ADDR": f"192.0.2.{number}"}
        return app.test_client().post(path, data={"form_pass": carried}, environ_base=sender).status_code

    assert [send(utm_visitor.path, number) for number in range(60)] == [422] * 60
    assert send(utm_visitor.path, 60) == 429
    assert send(other, 60) == 422
    assert utm_visitor.client.get(utm_visitor.path).status_code == 200
