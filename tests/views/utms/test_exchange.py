"""The exchange of a UTM, from its page to that of the new one."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from tests.support.pages import Page, answered

NEW = {"utm_id": "A0:B1:C2:FF:FF:01", "serial": "serial-new-0000001"}


@pytest.fixture
def utm(make, operator):
    customer, utm = make.customer_with_utm(operator.tenant, name="本社", customer_email1="a@example.com")
    make.contract(customer_row=customer, utm_id=utm.utm_id)
    return utm


def url(utm, page: str = "/exchange") -> str:
    return f"/customers/{utm.customer_id}/utms/{utm.id}{page}"


def send(client, utm, **values):
    form = Page(client.get(url(utm)).text).main_form
    return client.post(url(utm), data=answered(form.sent(NEW | values)))


def test_the_page_of_a_utm_leads_to_the_form_which_asks_with_what_happens(operator, utm):
    page = Page(operator.get(url(utm, "")).text)
    assert url(utm) in page.links

    asked = operator.post(url(utm), data=Page(operator.get(url(utm)).text).main_form.sent(NEW)).text

    told = Page(asked).main.text
    assert "本社」を交換します。" in told
    assert f"{utm.utm_id} → a0b1c2ffff01" in told
    assert "APIトークンはすぐに使えなくなります。" in told
    assert not Page(operator.get(url(utm, "")).text).main.text.count("削除済み")


def test_both_pages_show_the_link_between_them_and_the_token_is_shown_once(operator, make, utm):
    answer = send(operator, utm, mac_address="a0-b1-c2-ff-ff-01")

    shown = operator.get(answer.location).text
    page = Page(shown)
    token = re.search(r'value="(utm_[\w-]+)"', shown)[1]
    assert "UTMを交換しました。" in page.main.text
    assert "a@example.com" in page.main.text
    assert url(utm, "") in page.links
    assert token not in operator.get(answer.location).text
    old = Page(operator.get(url(utm, "")).text)
    assert "削除済み" in old.main.text
    assert answer.location in old.links
    contract = make.session.execute(text("SELECT utm_id FROM contract WHERE utm_id IS NOT NULL")).scalar_one()
    assert contract == "a0b1c2ffff01"


@pytest.mark.parametrize("field", ["utm_id", "serial"])
def test_what_another_utm_has_is_told_beside_it_before_the_question(operator, make, utm, field):
    make.utm(utm_id="a0b1c2ffff01", serial="SERIAL-NEW-0000001")
    values = NEW | ({"serial": "SERIAL-NEW-0000009"} if field == "utm_id" else {"utm_id": "a0b1c2ffff09"})
    form = Page(operator.get(url(utm)).text).main_form

    answer = operator.post(url(utm), data=form.sent(values))

    assert answer.status_code == 422
    assert "既に登録されています。" in Page(answer.text).main.text
    assert make.session.execute(text("SELECT count(*) FROM utm WHERE removed_at IS NOT NULL")).scalar() == 0


def test_a_mac_address_of_another_utm_id_is_refused(operator, utm):
    answer = send(operator, utm, mac_address="a0-b1-c2-ff-ff-02")

    assert answer.status_code == 422
    assert "MACアドレスがUTM IDと一致しません。" in answer.text


def test_the_second_of_two_people_is_told_that_it_is_removed(operator, utm):
    form = Page(operator.get(url(utm)).text).main_form
    assert send(operator, utm).status_code == 302

    late = operator.post(url(utm), data=answered(form.sent(NEW | {"utm_id": "a0b1c2ffff02"})), follow_redirects=True)

    assert "このUTMは既に削除されています。" in Page(late.text).main.text


def test_without_a_contract_the_button_says_why(operator, make):
    row = make.utm(customer_row=make.customer(tenant=operator.tenant))

    page = Page(operator.get(url(row, "")).text)
    answer = operator.get(url(row), follow_redirects=True)

    assert url(row) not in page.links
    assert "契約" in page.main.text
    assert answer.request.path == url(row, "")


def test_nobody_else_exchanges_it(operator, make, signed_in, utm):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)
    _, theirs = make.customer_with_utm(make.tenant())

    assert url(utm) not in Page(viewer.get(url(utm, "")).text).links
    assert [viewer.get(url(utm)).status_code, viewer.post(url(utm), data=NEW).status_code] == [403, 403]
    assert [operator.get(url(theirs)).status_code, operator.post(url(theirs), data=NEW).status_code] == [404, 404]
