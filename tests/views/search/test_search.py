"""The search field of the header, its suggestions and the page of its results."""

from __future__ import annotations

import pytest

from tests.support.pages import Page


def results(client, text: str) -> Page:
    return Page(client.get("/search/", query_string={"q": text}).text)


def suggestions(client, text: str) -> dict:
    return client.get("/search/suggestions", query_string={"q": text}).json


def heads(page: Page) -> list[str]:
    return [each.text for each in page.main.classed("card-header")]


@pytest.fixture
def customer(make, operator):
    customer = make.customer(
        tenant=operator.tenant, name="髙橋サーバー㈱", contact_last_name="渡邊", contact_phone="0312345678"
    )
    make.contract(customer_row=customer)
    make.utm(customer_row=customer, utm_id="a1b2c3d4e5f6", serial="00000001-ABCDEFG")
    return customer


def test_results_are_grouped_by_kind_with_counts_and_lead_to_their_pages(operator, customer):
    page = results(operator, "00000001")

    assert heads(page) == ["契約 1件", "UTM 1件"]
    links = [each.attributes["href"] for each in page.main.all("a")]
    assert links == [f"/customers/{customer.id}/contracts/A-S00000001", f"/customers/{customer.id}/utms/1"]
    assert all(operator.get(each).status_code == 200 for each in links)


def test_a_customer_is_shown_with_what_it_is_found_by(operator, customer):
    page = results(operator, "渡辺")

    assert page.rows == [
        {"会社名": "髙橋サーバー㈱", "会社ID": customer.id, "担当者": "渡邊 花子", "電話番号": "0312345678"}
    ]
    assert page.links.count(f"/customers/{customer.id}") == 2, "The name and the ID open the customer."


def test_more_than_twenty_are_counted_with_a_hint(operator, make):
    for number in range(23):
        make.customer(tenant=operator.tenant, name=f"森{number:02}")

    page = results(operator, "森")

    assert len(page.rows) == 20
    assert heads(page) == ["顧客 23件見つかりました。20件まで表示しています。"]


def test_suggestions_are_the_first_of_each_kind(operator, make, customer):
    for number in range(7):
        make.customer(tenant=operator.tenant, name=f"森{number:02}")

    few, many = suggestions(operator, "A1:B2:C3:D4:E5:F6"), suggestions(operator, "森")

    assert few == {
        "groups": [
            {
                "label": "UTM",
                "options": [
                    {
                        "label": "a1b2c3d4e5f6",
                        "detail": few["groups"][0]["options"][0]["detail"],
                        "url": f"/customers/{customer.id}/utms/1",
                    }
                ],
            }
        ],
        "status": "1件見つかりました。",
        "more": None,
    }
    assert "髙橋サーバー㈱ / 00000001-ABCDEFG" in few["groups"][0]["options"][0]["detail"]
    assert [each["label"] for each in many["groups"][0]["options"]] == [f"森{number:02}" for number in range(5)]
    assert (many["status"], many["more"]["url"]) == ("7件見つかりました。", "/search/?q=%E6%A3%AE")


def test_another_tenants_rows_are_never_found(signed_in, make, customer):
    staff = signed_in(make.elevated("NEC Staff"), make.tenant())

    for typed in ("高橋", "渡辺", "0312345678", "00000001", "a1b2c3d4e5f6"):
        assert suggestions(staff, typed)["groups"] == []
        assert results(staff, typed).rows == []


def test_without_a_tenant_there_is_no_search(signed_in, make):
    staff = signed_in(make.elevated("NEC Staff"))

    assert staff.get("/search/?q=a").location == "/tenants/"
    assert staff.get("/search/suggestions?q=a").location == "/tenants/"
    assert Page(staff.get("/tenants/").text).root.classed("site-search") == []


@pytest.mark.parametrize(
    ("rights", "kinds"),
    [
        (["Customers can_list"], []),
        (["Customers can_list", "Customers can_show"], []),
        (["Customers can_list", "Contracts can_show"], ["契約"]),
        (["Customers can_list", "Utms can_show"], ["UTM"]),
    ],
)
def test_only_kinds_that_the_role_may_read_are_found(signed_in, make, operator, customer, rights, kinds):
    make.role("係", "Home can_index", *rights)
    client = signed_in(make.member(operator.tenant, "係"), operator.tenant)

    assert [each["label"] for each in suggestions(client, "00000001")["groups"]] == kinds
    assert [each.partition(" ")[0] for each in heads(results(client, "00000001"))] == kinds


def test_who_may_not_open_the_list_of_customers_has_no_search(signed_in, make, operator):
    make.role("係", "Home can_index", "Utms can_show")
    client = signed_in(make.member(operator.tenant, "係"), operator.tenant)

    assert client.get("/search/?q=a").status_code == 403
    assert client.get("/search/suggestions?q=a").status_code == 403
    assert Page(client.get("/").text).root.classed("site-search") == []


def test_a_text_that_is_too_long_is_told_and_not_searched_for(operator, make, statements):
    operator.get("/search/?q=a")
    statements.clear()

    page = results(operator, "あ" * 101)

    assert "100文字以下で入力してください。" in page.main.text
    assert len(statements) == 1
    assert suggestions(operator, "あ" * 101)["groups"] == []


def test_nul_characters_are_refused_and_invisible_ones_find_nothing(operator, customer):
    assert operator.get("/search/?q=%00").status_code == 400
    assert suggestions(operator, "\u200b\u202e")["groups"] == []


def test_what_was_typed_is_never_markup(operator, make):
    make.customer(tenant=operator.tenant, name="<img src=x>")

    answer = operator.get("/search/", query_string={"q": '<img src=x>"'})
    found = operator.get("/search/", query_string={"q": "<img"})

    assert "<img" not in answer.text + found.text
    assert Page(found.text).column("会社名") == ["<img src=x>"]


def test_the_header_has_the_field_and_keeps_the_text(operator):
    page = results(operator, " ない ")

    assert {each.attributes["value"] for each in page.root.all("input", name="q")} == {"ない"}
    assert "見つかりませんでした。" in page.main.text
    assert Page(operator.get("/customers/?q=x").text).root.one("input", name="q").attributes["value"] == ""


def test_searches_of_a_user_are_limited(app, operator, signed_in, make):
    colleague = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)
    limit = int(app.config["SEARCH_RATE_LIMIT"].split()[0])

    codes = [operator.get("/search/suggestions").status_code for _ in range(limit + 1)]

    assert (codes[0], codes[limit - 1], codes[limit]) == (200, 200, 429)
    assert colleague.get("/search/suggestions").status_code == 200
