"""Who may open the public forms, and for how long (§5.4.1, §8.2.1)."""

from __future__ import annotations

import pytest

from tests.support.pages import Page
from tests.support.public_forms import ENTERED
from views.public_applications.links import invitation_url, utm_form_url

SITE = "https://www.partner.example"


@pytest.mark.parametrize("end", [slice(0, -1), slice(0, -20), slice(5, None), slice(0, 0, -1)])
def test_a_url_that_was_not_signed_reveals_nothing(app, form_path, tenant, end):
    answer = app.test_client().get("/apply/" + (form_path.rpartition("/")[2][end] or "x"))

    assert answer.status_code == 404
    assert "このURLは使用できません" in answer.text
    assert tenant.name not in answer.text


def test_the_url_of_another_page_is_not_this_ones(app, form_path, utm_path):
    client = app.test_client()

    assert client.get(form_path.replace("/apply/", "/apply-utm/")).status_code == 404
    assert client.get(utm_path.replace("/apply-utm/", "/apply/")).status_code == 404


def test_an_unknown_tenant_or_customer_looks_like_a_wrong_url(app, path_of, tenant, make, customer):
    client = app.test_client()
    of_another = make.customer().id
    gone = make.customer(tenant=tenant, deleted_at=customer.created_at).id

    answers = [
        client.get(path_of(invitation_url, "T9999999", 1)),
        client.get(path_of(utm_form_url, tenant.id, "A99999999", 1)),
        client.get(path_of(utm_form_url, tenant.id, of_another, 1)),
        client.get(path_of(utm_form_url, tenant.id, gone, 1)),
        client.get("/apply/x"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({Page(answer.text).main.text for answer in answers}) == 1


def test_a_new_number_ends_the_urls_before(visitor, utm_visitor, settings, path_of, tenant, nothing_made):
    carried, utm_carried = visitor.carried(), utm_visitor.carried()
    settings(invitation_number=2)

    ended = [
        visitor.client.get(visitor.path),
        visitor.send(carried),
        utm_visitor.client.get(utm_visitor.path),
        utm_visitor.send(utm_carried),
    ]

    assert [answer.status_code for answer in ended] == [410] * 4
    assert all(tenant.name not in answer.text for answer in ended)
    assert visitor.client.get(path_of(invitation_url, tenant.id, 2)).status_code == 200
    assert visitor.client.get(path_of(invitation_url, tenant.id, 3)).status_code == 410
    nothing_made()


@pytest.mark.parametrize(
    ("referrer", "status"),
    [
        (f"{SITE}/service/index.html", 200),
        (f"{SITE}/", 200),
        (None, 403),
        ("https://elsewhere.example/", 403),
        (f"{SITE}.elsewhere.example/", 403),
        ("http://www.partner.example/", 403),
        ("about:blank", 403),
    ],
)
def test_with_sites_listed_the_form_opens_only_from_there(visitor, make, tenant, referrer, status):
    make.access_origin(tenant=tenant, origin=SITE)

    answer = visitor.client.get(visitor.path, headers={"Referer": referrer} if referrer else {})

    assert answer.status_code == status


def test_its_own_steps_and_the_language_need_no_listed_site(visitor, make, tenant, applications):
    make.access_origin(tenant=tenant, origin=SITE)
    page = Page(visitor.client.get(visitor.path, headers={"Referer": SITE}).text)
    sent = page.main_form.sent(ENTERED)

    review = visitor.client.post(visitor.path, data=sent)
    form = next(each for each in Page(review.text).forms if "form_pass" in each.names)
    back = visitor.client.post(visitor.path, data=form.sent(back="1"))
    done = visitor.client.post(visitor.path, data=form.sent(send="1"))
    language = visitor.client.get(visitor.path, headers={"Referer": f"http://localhost{visitor.path}"})

    assert (review.status_code, back.status_code, done.status_code, language.status_code) == (200, 200, 302, 200)
    assert visitor.client.get(done.location).status_code == 200
    assert len(applications()) == 1


def test_a_form_cannot_be_sent_without_having_been_opened(visitor, make, tenant, path_of, nothing_made):
    other = visitor.carried()
    make.access_origin(tenant=tenant, origin=SITE)
    foreign = visitor.client.get(path_of(invitation_url, make.tenant().id, 1))

    answers = [
        visitor.send("forged"),
        visitor.send(Page(foreign.text).main_form.sent()["form_pass"]),
        visitor.send(other + "x"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 3
    nothing_made()


def test_the_utm_form_needs_no_listed_site(utm_visitor, make, tenant):
    make.access_origin(tenant=tenant, origin=SITE)

    assert utm_visitor.client.get(utm_visitor.path).status_code == 200


def test_views_and_sent_forms_are_limited_each_for_itself(app, visitor, utm_visitor):
    carried = visitor.carried()
    base = {"environ_base": {"REMOTE_ADDR": "192.0.2.99"}}

    views = [visitor.client.get(visitor.path, **base).status_code for _ in range(61)]
    sent = [visitor.client.post(visitor.path, data={"form_pass": carried}, **base).status_code for _ in range(61)]

    assert (views[:60], views[60]) == ([200] * 60, 429)
    assert (sent[:60], sent[60]) == ([422] * 60, 429)
    assert utm_visitor.client.get(utm_visitor.path, **base).status_code == 200
    assert visitor.client.get(visitor.path).status_code == 200
