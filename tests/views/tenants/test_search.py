"""§4.1: finding a customer across one's tenants, and going there."""

from __future__ import annotations

import html

import pytest

from models import clock
from tests.support.pages import Page

AGAIN = "文字数を増やして再度検索してください。"


@pytest.fixture
def tenants(make):
    return make.tenant(name="ひばりテナント"), make.tenant(name="つぐみテナント"), make.tenant(name="よそのテナント")


@pytest.fixture
def member(make, signed_in, tenants):
    """Operator in the first tenant, viewer in the second, nothing in the third; no tenant chosen yet."""
    user = make.member(tenants[0], "Partner Operator")
    make.join(user, tenants[1], "Partner Viewer")
    return signed_in(user)


def search(client, text, by="name", **more):
    answer = client.get("/tenants/", query_string={"by": by, "text": text} | more)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def found(page: str) -> list[tuple[str, str, str, str]]:
    """The rows: tenant ID and name, company ID and name."""
    rows = [row for row in Page(page).rows if "会社ID" in row]
    return [(row["テナントID"], row["テナント名"], row["会社ID"], row["会社名"]) for row in rows]


def test_a_part_of_a_name_finds_the_customers_of_all_ones_tenants(make, member, tenants):
    second = make.customer(tenant=tenants[1], name="2号あおぞら")
    first = make.customer(tenant=tenants[0], name="1号あおぞら")
    make.customer(tenant=tenants[2], name="0号あおぞら")
    make.customer(tenant=tenants[0], name="みどり")

    page = search(member, "あおぞら")

    assert found(page) == [
        (tenants[0].id, "ひばりテナント", first.id, "1号あおぞら"),
        (tenants[1].id, "つぐみテナント", second.id, "2号あおぞら"),
    ]
    assert "2件見つかりました。" in page
    assert "まで表示しています" not in page
    assert "よそのテナント" not in page


def test_a_whole_phone_number_finds_with_hyphens_or_without(make, member, tenants):
    customer = make.customer(tenant=tenants[1], name="この番号", contact_phone="0312345678")
    make.customer(tenant=tenants[2], name="よその会社", contact_phone="0312345678")

    for typed in ("0312345678", "03-1234-5678", "０３－１２３４－５６７８"):
        assert [row[2:] for row in found(search(member, typed, "phone"))] == [(customer.id, "この番号")]
    assert found(search(member, "031234567", "phone")) == []


def test_of_16_customers_10_are_shown_and_a_name_should_be_longer(make, member, tenants):
    for number in range(16):
        make.customer(tenant=tenants[number % 2], name=f"あおぞら{number:02}", contact_phone="0312345678")

    by_name = search(member, "あおぞら")
    by_phone = search(member, "0312345678", "phone")

    for page in (by_name, by_phone):
        assert "16件見つかりました。10件まで表示しています。" in page
        assert [row[3] for row in found(page)] == [f"あおぞら{number:02}" for number in range(10)]
    assert AGAIN in by_name
    assert AGAIN not in by_phone


def test_10_customers_are_all_shown_and_11_are_not(make, member, tenants):
    for number in range(10):
        make.customer(tenant=tenants[0], name=f"あおぞら{number:02}")
    ten = search(member, "あおぞら")
    make.customer(tenant=tenants[0], name="あおぞら10")
    eleven = search(member, "あおぞら")

    assert "10件見つかりました。" in ten
    assert AGAIN not in ten
    assert len(found(ten)) == 10
    assert "11件見つかりました。10件まで表示しています。" in eleven
    assert AGAIN in eleven


def test_nothing_found_is_told(member):
    page = search(member, "見当たらない会社")

    assert "該当する顧客は見つかりませんでした。" in page


def test_without_a_text_nothing_is_searched(make, member, tenants):
    make.customer(tenant=tenants[0], name="あおぞら")

    for page in (member.get("/tenants/").text, search(member, ""), search(member, "  ")):
        assert "見つかり" not in page
        assert found(page) == []


@pytest.mark.parametrize(
    ("by", "text", "told"),
    [
        ("name", "あ" * 40, None),
        ("name", "あ" * 41, "40文字以下で入力してください。"),
        ("phone", "0" * 15, None),
        ("phone", "0" * 16, "15桁以下で入力してください。"),
        ("phone", "-".join("0" * 15), None),
        ("phone", "-".join("0" * 16), "15桁以下で入力してください。"),
        ("phone", "03-1234-abcd", "電話番号を半角数字で入力してください。"),
        ("phone", "---", "電話番号を半角数字で入力してください。"),
        ("phone", "٣٣٣", "電話番号を半角数字で入力してください。"),
    ],
)
def test_a_text_past_its_limit_is_told_beside_the_field(make, member, tenants, by, text, told):
    page = search(member, text, by)

    if told is None:
        assert "該当する顧客は見つかりませんでした。" in page
        assert "filter-text-error" not in page
    else:
        assert f'id="filter-text-error">{told}<' in page
        assert "見つかり" not in page
    assert f'value="{text}"' in page


@pytest.mark.parametrize("word", ["%", "_", "\\", "'", '"><script>', "😀" * 40, "%s", "{x}", ":y", "' OR 1=1 --"])
@pytest.mark.parametrize("by", ["name", "phone", "nonsense", ""])
def test_nonsense_finds_nothing_and_is_escaped(make, member, tenants, by, word):
    make.customer(tenant=tenants[0], name="あおぞら")

    answer = member.get("/tenants/", query_string={"by": by, "text": word})

    assert answer.status_code == 200
    assert found(answer.text) == []
    assert '"><script>' not in answer.text


def test_deleted_customers_are_not_found(make, member, tenants):
    make.customer(tenant=tenants[0], name="あおぞら", deleted_at=clock.utc_now())

    assert found(search(member, "あおぞら")) == []


@pytest.mark.parametrize("role", ["NEC Staff", "NEC Admin"])
def test_nec_finds_in_every_tenant(make, signed_in, tenants, role):
    for tenant in tenants:
        make.customer(tenant=tenant, name=f"あおぞら{tenant.name}")

    page = search(signed_in(make.elevated(role)), "あおぞら")

    assert {row[0] for row in found(page)} == {tenant.id for tenant in tenants}


def test_a_search_keeps_to_ones_tenants_whichever_is_chosen(make, signed_in, tenants):
    user = make.member(tenants[0], "Partner Operator")
    make.join(user, tenants[1], "Partner Viewer")
    for tenant in tenants:
        make.customer(tenant=tenant, name=f"あおぞら{tenant.name}")

    page = search(signed_in(user, tenants[1]), "あおぞら", tenant_id=tenants[2].id)

    assert [row[0] for row in found(page)] == [tenants[1].id, tenants[0].id]


def test_somebody_of_one_tenant_may_search_and_somebody_of_none_finds_nothing(make, signed_in, tenants):
    make.customer(tenant=tenants[0], name="あおぞら")

    one = search(signed_in(make.member(tenants[0], "Partner Viewer")), "あおぞら")
    none = search(signed_in(make.user()), "あおぞら")

    assert len(found(one)) == 1
    assert found(none) == []
    assert "該当する顧客は見つかりませんでした。" in none


def test_a_company_id_enters_its_tenant_and_opens_the_customer_with_the_role_held_there(make, member, tenants):
    customer = make.customer(tenant=tenants[1], name="あおぞら")

    answer = member.post("/tenants/open", data={"tenant_id": tenants[1].id, "customer_id": customer.id})
    page = member.get(answer.location).text

    assert (answer.status_code, answer.location) == (302, f"/customers/{customer.id}")
    assert "あおぞら" in page
    assert "つぐみテナント" in page
    assert member.get(f"/customers/{customer.id}/edit").status_code == 403  # a viewer there


def test_the_tenant_is_left_for_the_one_of_the_customer(make, member, tenants):
    ours = make.customer(tenant=tenants[0], name="ひばりの客")
    theirs = make.customer(tenant=tenants[1], name="つぐみの客")
    member.post("/tenants/open", data={"tenant_id": tenants[0].id, "customer_id": ours.id})

    member.post("/tenants/open", data={"tenant_id": tenants[1].id, "customer_id": theirs.id})

    assert member.get(f"/customers/{theirs.id}").status_code == 200
    assert member.get(f"/customers/{ours.id}").status_code == 404


def test_what_is_not_ones_own_is_not_found_and_changes_nothing(make, member, tenants):
    own = make.customer(tenant=tenants[0], name="ひばりの客")
    gone = make.customer(tenant=tenants[0], name="消えた客", deleted_at=clock.utc_now())
    foreign = make.customer(tenant=tenants[2], name="よその客")
    member.post("/tenants/select", data={"tenant_id": tenants[0].id})

    for form in (
        {"tenant_id": tenants[2].id, "customer_id": foreign.id},
        {"tenant_id": tenants[1].id, "customer_id": own.id},
        {"tenant_id": tenants[0].id, "customer_id": foreign.id},
        {"tenant_id": tenants[0].id, "customer_id": gone.id},
        {"tenant_id": tenants[0].id, "customer_id": "' OR 1=1 --"},
        {"tenant_id": tenants[0].id},
        {"customer_id": own.id},
        {},
    ):
        assert member.post("/tenants/open", data=form).status_code == 404
    with member.session_transaction() as session:
        assert session["tenant_id"] == tenants[0].id


def test_the_order_of_the_tenants_stays_with_a_search(member):
    page = search(member, "あおぞら", sort="name", direction="desc")

    assert '<input type="hidden" name="sort" value="name">' in page
    assert "?by=name&text=%E3%81%82%E3%81%8A%E3%81%9E%E3%82%89&sort=id&direction=asc" in page


def test_where_the_role_sees_no_customers_none_are_found(make, signed_in, tenants):
    make.role("係", "Home can_index", "Customers can_list")
    user = make.member(tenants[0], "Partner Viewer")
    make.join(user, tenants[1], "係")
    client = signed_in(user)
    seen, unseen = (make.customer(tenant=tenant, name="あおぞら") for tenant in tenants[:2])

    page = search(client, "あおぞら")
    answers = [
        client.post("/tenants/open", data={"tenant_id": each.tenant_id, "customer_id": each.id}).status_code
        for each in (seen, unseen)
    ]

    assert [row[2] for row in found(page)] == [seen.id]
    assert "1件見つかりました。" in page
    assert answers == [302, 404]


def test_what_came_along_with_a_copied_number_does_not_matter(make, member, tenants):
    customer = make.customer(tenant=tenants[0], contact_phone="0312345678")

    assert [row[2] for row in found(search(member, "03-1234-5678\u200b\ufeff", "phone"))] == [customer.id]
