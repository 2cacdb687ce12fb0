"""§4.2: choosing the tenant."""

from __future__ import annotations

import re

import pytest

from tests.support.pages import Page


@pytest.fixture
def two(make, signed_in):
    first, second, foreign = make.tenant(name="いろは"), make.tenant(name="あさひ"), make.tenant(name="よその会社")
    member = make.member(first, "Partner Operator")
    make.join(member, second, "Partner Viewer")
    client = signed_in(member)
    client.tenants = (first, second, foreign)
    return client


def ids(page: str) -> list[str]:
    return re.findall(r'name="tenant_id"\s+value="(T\d{7})"', page)


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", [0, 1]),
        ("?sort=id&direction=desc", [1, 0]),
        ("?sort=name&direction=asc", [1, 0]),
        ("?sort=name&direction=desc", [0, 1]),
        ("?sort=password", [0, 1]),
    ],
)
def test_ones_own_tenants_are_listed_in_the_chosen_order(two, query, order):
    assert ids(two.get(f"/tenants/{query}").text) == [two.tenants[index].id for index in order]


@pytest.mark.parametrize(
    ("query", "heads"),
    [
        ("", [("ascending", "▲", "?sort=id&amp;direction=desc"), ("none", "", "?sort=name&amp;direction=asc")]),
        (
            "?sort=id&direction=desc",
            [("descending", "▼", "?sort=id&amp;direction=asc"), ("none", "", "?sort=name&amp;direction=asc")],
        ),
        (
            "?sort=name",
            [("none", "", "?sort=id&amp;direction=asc"), ("ascending", "▲", "?sort=name&amp;direction=desc")],
        ),
    ],
)
def test_the_sorted_column_says_which_way_and_turns_at_the_next_click(two, query, heads):
    page = two.get(f"/tenants/{query}").text

    found = re.findall(r'<th[^>]*aria-sort="(\w+)">.*?href="([^"]+)".*?</th>', page, re.DOTALL)
    arrows = [re.search("[▲▼]|$", head)[0] for head in re.findall(r"<th[^>]*aria-sort.*?</th>", page, re.DOTALL)]
    assert [(way, arrow, href) for (way, href), arrow in zip(found, arrows, strict=True)] == heads


def test_without_a_tenant_every_page_leads_to_the_choice(two):
    assert two.get("/customers/").location == "/tenants/"


def test_choosing_enters_the_tenant_with_the_role_held_there(two):
    first, second, _ = two.tenants

    two.post("/tenants/select", data={"tenant_id": second.id})
    page = two.get("/").text

    assert second.id in page
    assert "あさひ" in page
    assert two.get("/customers/add").status_code == 403
    two.post("/tenants/select", data={"tenant_id": first.id})
    assert two.get("/customers/add").status_code == 200


def test_choosing_switches_what_is_seen_and_the_header_says_where_one_is(two, make):
    first, second, foreign = two.tenants
    for tenant in two.tenants:
        make.customer(tenant=tenant, name=f"{tenant.name}の顧客")

    pages = []
    for tenant in (first, second):
        two.post("/tenants/select", data={"tenant_id": tenant.id})
        pages.append(two.get("/customers/").text)

    for page, here, elsewhere in ((pages[0], first, second), (pages[1], second, first)):
        header = re.search(r'<a class="tenant".*?</a>', page, re.DOTALL)[0]
        assert here.id in header
        assert f"<strong>{here.name}</strong>" in header
        assert f"{here.name}の顧客" in page
        assert f"{elsewhere.name}の顧客" not in page
        assert f"{foreign.name}の顧客" not in page


@pytest.mark.parametrize("wanted", ["foreign", "T9999999", "", "'", "T8000000 ", "t8000000"])
def test_a_tenant_of_others_cannot_be_entered(two, wanted):
    wanted = two.tenants[2].id if wanted == "foreign" else wanted

    assert two.post("/tenants/select", data={"tenant_id": wanted}).status_code == 404


def test_of_two_tenants_in_one_form_the_allowed_one_does_not_vouch_for_the_other(two):
    own, _, foreign = two.tenants

    answer = two.post("/tenants/select", data={"tenant_id": [foreign.id, own.id]})
    two.post("/tenants/select", data={"tenant_id": [own.id, foreign.id]})

    assert answer.status_code == 404
    assert foreign.name not in two.get("/").text
    assert own.name in two.get("/").text


def test_a_form_left_open_in_another_window_is_not_saved_in_the_tenant_chosen_since(make, signed_in):
    first, second = make.tenant(name="いろは"), make.tenant(name="あさひ")
    staff = signed_in(make.elevated("NEC Staff"), first)
    fields = re.findall(r'name="(made_in|version)" value="([^"]*)"', staff.get("/customers/add").text)
    staff.post("/tenants/select", data={"tenant_id": second.id, "made_in": first.id, "reason": "調査"})

    answer = staff.post("/customers/add", data={**dict(fields), "name": "ひばり工業"})

    assert ("made_in", first.id) in fields
    assert answer.status_code == 409
    assert "別のウィンドウでテナントが切り替えられました" in answer.text
    assert f"<strong>{second.id} あさひ</strong>" in answer.text
    assert "いろは" not in answer.text
    assert "ひばり工業" not in staff.get("/customers/").text
    [(action, wanted)] = re.findall(
        r'action="(/tenants/select)".*?name="tenant_id"\s+value="(T\d+)"', answer.text, re.DOTALL
    )
    staff.post(action, data={"tenant_id": wanted, "made_in": second.id, "reason": "調査"})
    assert "いろは" in staff.get("/").text


def test_who_has_one_tenant_is_offered_no_way_to_another(operator, make):
    answer = operator.post("/customers/add", data={"made_in": make.tenant().id})

    assert answer.status_code == 409
    assert "/tenants/select" not in answer.text


@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("/language/", {"language": "en"}),
        ("/logout/", {}),
        ("/staff/mail/again", {}),
        ("/tenants/select", {"tenant_id": "T8000000", "reason": "調査"}),
    ],
)
def test_a_form_of_no_tenant_is_taken_whichever_tenant_was_chosen_since(make, signed_in, address, data):
    first, second = make.tenant(), make.tenant()
    staff = signed_in(make.elevated("NEC Staff"), second)

    assert staff.post(address, data={**data, "made_in": first.id}).status_code == 302


def test_a_refused_choice_leaves_one_where_one_was(two):
    own, _, foreign = two.tenants
    two.post("/tenants/select", data={"tenant_id": own.id})

    two.post("/tenants/select", data={"tenant_id": foreign.id})

    assert own.name in two.get("/").text


@pytest.mark.parametrize("kept", ["foreign", "T9999999", "' OR 1=1 --"])
def test_a_session_left_in_a_tenant_one_is_not_in_leads_to_the_choice(two, kept):
    with two.session_transaction() as session:
        session["tenant_id"] = two.tenants[2].id if kept == "foreign" else kept

    answer = two.get("/customers/")

    assert answer.location == "/tenants/"
    with two.session_transaction() as session:
        assert "tenant_id" not in session


def test_who_belongs_to_no_tenant_is_told_whom_to_ask(make, signed_in):
    make.tenant(name="よその会社")

    page = signed_in(make.user()).get("/tenants/").text

    assert "所属しているテナントがありません。" in page
    assert "よその会社" not in page


def test_nec_staff_may_enter_every_tenant(make, signed_in):
    tenants = [make.tenant() for _ in range(3)]
    staff = signed_in(make.elevated("NEC Staff"))

    assert ids(staff.get("/tenants/").text) == [tenant.id for tenant in tenants]


def test_a_user_with_one_tenant_is_offered_no_switch(operator):
    page = operator.get("/").text

    assert 'href="/tenants/"' not in page
    assert operator.tenant.id in page
    assert operator.tenant.name in page


def test_nec_staff_are_offered_the_switch_in_a_tenant_they_do_not_belong_to(make, signed_in):
    tenant = make.tenant()
    staff = signed_in(make.elevated("NEC Staff"))

    staff.post("/tenants/select", data={"tenant_id": tenant.id, "reason": "調査"})

    assert 'href="/tenants/"' in staff.get("/").text


def test_names_are_never_markup(make, signed_in):
    tenant = make.tenant(name="<script>alert(1)</script>")
    other = make.tenant(name='"><img src=x>')
    user = make.member(tenant, "Partner Operator", last_name="<b>", first_name="</b>")
    make.join(user, other, "Partner Operator")

    pages = [signed_in(user, tenant).get(path).text for path in ("/tenants/", "/")]

    assert not [page for page in pages if "<script>alert" in page or "<img" in page or "<b>" in page]


@pytest.mark.parametrize("path", ["/staff/mail/", "/staff/jobs/", "/nowhere"])
def test_staff_without_a_tenant_are_led_to_the_choice_from_every_page(make, signed_in, path):
    page = Page(signed_in(make.elevated("NEC Staff")).get(path).text)

    (link,) = page.root.one("header").all("a", href="/tenants/")
    assert link.text == "テナント選択"


def test_who_wants_a_page_of_a_tenant_and_has_chosen_none_is_told_to_choose(make, signed_in):
    client = signed_in(make.elevated("NEC Staff"))

    page = client.get("/customers/", follow_redirects=True)
    home = client.get("/", follow_redirects=True)

    assert page.request.path == home.request.path == "/tenants/"
    assert "この画面はテナントごとのものです。先にテナントを選択してください。" in page.text
    assert "先にテナントを選択してください。" not in home.text
