"""§4.1: finding a customer in whichever of one's tenants it is."""

from __future__ import annotations

import pytest

from models import clock
from models.customers import cross_tenant_search
from models.customers.cross_tenant_search import SearchBy


@pytest.fixture
def tenants(make):
    return make.tenant(name="ひばり"), make.tenant(name="つぐみ"), make.tenant(name="よその")


@pytest.fixture
def found(app, tenants):
    """The customers' names a member of the first two tenants finds."""

    def search(text, by=SearchBy.NAME):
        with app.app_context():
            answer = cross_tenant_search.find(by, text, tenant_ids=[tenants[0].id, tenants[1].id])
        return [row.customer_name for row in answer.rows]

    return search


def test_a_part_of_a_name_finds_in_every_tenant_of_ones_own_alone(app, make, tenants):
    made = [
        make.customer(tenant=tenant, name=f"{number}号 あおぞら{tenant.name}")
        for number, tenant in zip((2, 1, 0), tenants, strict=True)
    ]

    with app.app_context():
        own = cross_tenant_search.find(SearchBy.NAME, "あおぞら", tenant_ids=[tenants[0].id, tenants[1].id])
        everywhere = cross_tenant_search.find(SearchBy.NAME, "あおぞら", tenant_ids=None)
        nowhere = cross_tenant_search.find(SearchBy.NAME, "あおぞら", tenant_ids=[])

    assert own.count == 2
    assert [tuple(row)[:4] for row in own.rows] == [
        (tenants[1].id, "つぐみ", made[1].id, "1号 あおぞらつぐみ"),
        (tenants[0].id, "ひばり", made[0].id, "2号 あおぞらひばり"),
    ]
    assert [row.tenant_id for row in everywhere.rows] == [tenants[2].id, tenants[1].id, tenants[0].id]
    assert (nowhere.rows, nowhere.count) == ([], 0)


def test_a_tenant_that_is_asked_for_is_still_behind_its_wall(make, tenants, in_tenant):
    for tenant in tenants:
        make.customer(tenant=tenant, name=f"あおぞら{tenant.name}")

    with in_tenant(tenants[0].id) as session:
        answer = cross_tenant_search.found_in(
            session, SearchBy.NAME, "あおぞら", tenant_ids=[tenant.id for tenant in tenants]
        )

    assert [row.customer_name for row in answer.rows] == ["あおぞらひばり"]


def test_row_level_security_alone_hides_other_tenants(make, tenants, engine):
    from sqlalchemy import text

    for tenant in tenants:
        make.customer(tenant=tenant, name=f"あおぞら{tenant.name}")
    statement = cross_tenant_search._statement(SearchBy.NAME, "あおぞら", [tenant.id for tenant in tenants])

    with engine.begin() as connection:
        nobody = connection.execute(statement).all()
        connection.execute(text("SELECT set_config('app.tenant_id', :id, true)"), {"id": tenants[1].id})
        one = connection.execute(statement).all()

    assert nobody == []
    assert [row.customer_name for row in one] == ["あおぞらつぐみ"]


def test_deleted_customers_are_never_found(make, tenants, found):
    make.customer(tenant=tenants[0], name="あおぞら", contact_phone="0311112222", deleted_at=clock.utc_now())

    assert found("あおぞら") == []
    assert found("0311112222", SearchBy.PHONE) == []


@pytest.mark.parametrize("typed", ["㈱ アオゾラ", "株式会社ｱｵｿﾞﾗ", "アオゾラＡＢＣ", "アオゾラ abc", "ゾラ", "社アオ"])
def test_width_case_blanks_and_the_legal_form_do_not_matter(make, tenants, found, typed):
    make.customer(tenant=tenants[0], name="株式会社アオゾラABC")
    make.customer(tenant=tenants[0], name="株式会社ミドリ")

    assert found(typed) == ["株式会社アオゾラABC"]


@pytest.mark.parametrize(("typed", "name"), [("%", "100%果汁"), ("_", "a_b"), ("\\", "c\\d"), ("/", "e/f")])
def test_signs_of_patterns_mean_themselves(make, tenants, found, typed, name):
    for each in ("100%果汁", "a_b", "c\\d", "e/f", "ふつう"):
        make.customer(tenant=tenants[0], name=each)

    assert found(typed) == [name]


@pytest.mark.parametrize(
    "typed", ["0312345678", "03-1234-5678", "０３－１２３４－５６７８", "03−1234‐5678", "03ー1234ー5678"]
)
def test_a_phone_number_is_taken_whole_without_hyphens(make, tenants, found, typed):
    make.customer(tenant=tenants[0], name="この番号", contact_phone="0312345678")
    make.customer(tenant=tenants[1], name="前が同じ", contact_phone="03123456789")
    make.customer(tenant=tenants[2], name="よその", contact_phone="0312345678")

    assert found(typed, SearchBy.PHONE) == ["この番号"]


def test_ten_are_shown_by_name_and_all_are_counted(app, make, tenants):
    for number in range(16):
        make.customer(tenant=tenants[number % 2], name=f"あおぞら{15 - number:02}")

    with app.app_context():
        answer = cross_tenant_search.find(SearchBy.NAME, "あおぞら", tenant_ids=None)

    assert answer.count == 16
    assert [row.customer_name for row in answer.rows] == [f"あおぞら{number:02}" for number in range(10)]


def test_a_customer_exists_in_its_tenant_alone_and_until_it_is_deleted(context, make, tenants):
    kept = make.customer(tenant=tenants[0])
    gone = make.customer(tenant=tenants[0], deleted_at=clock.utc_now())

    assert cross_tenant_search.exists(tenants[0].id, kept.id)
    assert not cross_tenant_search.exists(tenants[1].id, kept.id)
    assert not cross_tenant_search.exists(tenants[0].id, gone.id)
    assert not cross_tenant_search.exists(tenants[0].id, "A99999999")
