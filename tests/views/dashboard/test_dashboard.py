"""§5.1: the dashboard of people with few rights, and where those without it begin."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from models.utms.utm import Utm
from tests.support.alerts import lines
from tests.support.pages import Page


@pytest.fixture
def alarmed(make, engine):
    """A customer with important alerts."""
    tenant = make.tenant()
    customer, utm = make.customer_with_utm(tenant)
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": tenant.id}) as session:
        sender = alert_ingest.Sender(tenant.id, customer.id, utm.id)
        found = lines(3, at=now - timedelta(hours=2), alert_severity="high")
        alert_ingest.store(session, sender, found, now=now, retention_months=13)
        session.commit()
    customer.tenant = tenant
    return customer


def holder(make, signed_in, tenant, *rights):
    """A client whose role in the tenant has these rights alone."""
    make.role("係", *rights)
    return signed_in(make.member(tenant, "係"), tenant)


def test_who_may_see_alerts_is_led_to_the_customers_that_have_important_ones(make, signed_in, alarmed):
    page = signed_in(make.member(alarmed.tenant, "Partner Viewer"), alarmed.tenant).get("/").text

    assert alarmed.name in page
    assert f'href="/customers/{alarmed.id}/alerts/important"' in page


def test_who_may_open_no_list_sees_no_widget(make, signed_in, alarmed):
    client = holder(make, signed_in, alarmed.tenant, "Home can_index")
    page, arrangement = Page(client.get("/").text), Page(client.get("/dashboard-settings/").text)

    assert "表示する項目はありません。" in page.main.text
    assert page.main.classed("card") == []
    assert arrangement.main.all("li") == []


BILLING = ("Home can_index", "Invoices can_list", "Invoices can_show", "Invoices can_lines")


@pytest.fixture
def billed(make):
    """A tenant with two customers that have invoices, one without, and customers that nobody there may see."""
    tenant = make.tenant()
    for owner, name, values in (
        (tenant, "先月の客", {"balance": 6600, "last_invoiced_on": date(2026, 11, 1)}),
        (tenant, "先々月の客", {"balance": 0, "last_invoiced_on": date(2026, 10, 1)}),
        (tenant, "請求のない客", {}),
        (tenant, "削除した客", {"last_invoiced_on": date(2026, 11, 1), "deleted_at": clock.utc_now()}),
        (make.tenant(), "他社の客", {"last_invoiced_on": date(2026, 11, 1)}),
    ):
        customer = make.customer(tenant=owner, name=name, **values)
        make.invoice_line(invoice=make.invoice(customer=customer))
    return tenant


def test_who_has_the_rights_of_billing_alone_reaches_every_invoice_from_the_dashboard(make, signed_in, billed):
    client = holder(make, signed_in, billed, *BILLING)
    page = Page(client.get("/").text)
    (card,) = page.main.classed("card")
    rows = [[cell.text for cell in row.all("td")] for row in card.all("tbody")[0].all("tr")]

    assert card.all("h2")[0].text == "請求のある顧客"
    assert [row[1:] for row in rows] == [
        ["先月の客", "¥6,600", "2026-11-01"],
        ["先々月の客", "¥0", "2026-10-01"],
    ]
    invoices = Page(client.get(card.all("a")[0].attributes["href"]).text)
    (number,) = [each for each in invoices.main.all("a") if re.search(r"/invoices/\d+$", each.attributes["href"])]
    shown = client.get(number.attributes["href"])
    assert shown.status_code == 200
    (file,) = [each for each in Page(shown.text).main.all("a") if each.attributes["href"].endswith("/lines")]
    assert client.get(file.attributes["href"]).status_code == 200
    assert {client.get(each).status_code for each in links(client.get("/").text)} == {200}


def test_the_customers_with_invoices_are_paged(make, signed_in):
    tenant = make.tenant()
    for number in range(21):
        make.customer(tenant=tenant, name=f"客{number}", last_invoiced_on=date(2026, 11, 1))
    client = holder(make, signed_in, tenant, *BILLING)

    assert [len(Page(client.get(path).text).rows) for path in ("/", "/?invoices_page=2", "/?invoices_page=9")] == [
        20, 1, 1,
    ]  # fmt: skip


def test_who_sees_no_invoice_yet_is_told_when_there_will_be_some(make, signed_in):
    text = Page(holder(make, signed_in, make.tenant(), *BILLING).get("/").text).main.text

    assert "請求のある顧客はまだいません。" in text
    assert "請求は月が終わってから発行されます。" in text


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        (("Customers can_list",), True),
        (("Customers can_show",), True),
        (("Customers can_list", "Customers can_show"), False),
    ],
)
def test_who_reaches_invoices_through_the_customers_has_no_list_of_them_on_the_dashboard(
    make, signed_in, billed, rights, expected
):
    client = holder(make, signed_in, billed, *BILLING, *rights)

    assert ("請求のある顧客" in client.get("/").text) is expected
    assert ("請求のある顧客" in client.get("/dashboard-settings/").text) is expected


def test_without_the_right_to_the_list_of_invoices_nobody_sees_the_customers(make, signed_in, billed):
    text = holder(make, signed_in, billed, "Home can_index", "Invoices can_show", "Invoices can_lines").get("/").text

    assert "先月の客" not in text


@pytest.mark.parametrize(
    ("right", "first"),
    [
        ("Customers can_list", "/customers/"),
        ("TenantSettings can_show", "/tenant-settings/"),
        ("MailTemplates can_list", "/mail-templates/"),
        ("PortalTokens can_list", "/tenant-settings/tokens/"),
        ("Customers can_add", "/customers/add"),
    ],
)
def test_who_has_no_dashboard_begins_at_the_first_screen_they_have(make, signed_in, right, first):
    client = holder(make, signed_in, make.tenant(), right)

    answer = client.get("/")

    assert answer.location == first
    assert client.get(first).status_code == 200


def test_who_has_no_screen_at_all_can_sign_out(make, signed_in):
    answer = holder(make, signed_in, make.tenant()).get("/")

    assert answer.status_code == 403
    assert 'action="/logout/"' in answer.text


@pytest.mark.parametrize(("path", "status"), [("/customers/A9999999", 404), ("/users/list/", 403), ("/nowhere", 404)])
def test_an_error_keeps_the_menu_and_the_way_out(operator, path, status):
    answer = operator.get(path)

    assert answer.status_code == status
    assert 'href="/customers/"' in answer.text
    assert 'action="/logout/"' in answer.text
    assert len(re.findall("<h1", answer.text)) == 1


def test_an_error_of_nobody_has_no_menu(app):
    answer = app.test_client().post("/login/", data={"email": "a\0"})

    assert answer.status_code == 400
    assert 'action="/logout/"' not in answer.text


def links(page: str) -> set[str]:
    """Where a page leads, apart from its files and itself."""
    return {each for each in re.findall(r'href="(/[^"#?]*)', page) if not each.startswith("/static/")}


@pytest.mark.parametrize(
    ("rights", "path"),
    [
        (["Customers can_show"], "/customers/{id}"),
        (["Customers can_security"], "/customers/{id}/security"),
        (["Customers can_edit"], "/customers/{id}/edit"),
        (["Alerts can_list"], "/customers/{id}/alerts/"),
        (["Alerts can_important"], "/customers/{id}/alerts/important"),
        (["Utms can_show"], "/customers/{id}/utms/{utm}"),
        (["Utms can_add"], "/customers/{id}/utms/add"),
        (["MailTemplates can_list"], "/mail-templates/"),
        (["Invoices can_list"], "/customers/{id}/invoices/"),
        (["Invoices can_list"], "/"),
    ],
)
def test_no_screen_leads_to_one_the_role_has_not_got(make, signed_in, alarmed, rights, path):
    client = holder(make, signed_in, alarmed.tenant, "Home can_index", *rights)
    utm = make.session.query(Utm).filter_by(customer_id=alarmed.id).one()

    answer = client.get(path.format(id=alarmed.id, utm=utm.id))

    assert answer.status_code == 200
    assert {
        each: client.get(each).status_code for each in links(answer.text) if client.get(each).status_code == 403
    } == {}


def test_who_may_delete_and_not_look_is_told_in_the_list_why_not(make, signed_in, alarmed):
    client = holder(make, signed_in, alarmed.tenant, "Customers can_list", "Customers can_delete")

    answer = client.post(f"/customers/{alarmed.id}/delete", follow_redirects=True)

    assert answer.status_code == 200
    assert answer.request.path == "/customers/"
    assert "UTM" in answer.text
    assert alarmed.name in answer.text


def test_who_has_no_screen_is_not_sent_to_the_dashboard(make, signed_in):
    page = holder(make, signed_in, make.tenant(), "Customers can_show").get("/").text

    assert "ダッシュボードへ戻る" not in page


def figures(client) -> dict[str, tuple[int, str]]:
    """The number of each figure, and where it leads, by its label."""
    shown = {}
    for figure in Page(client.get("/").text).main.classed("figure"):
        for link in figure.all("a"):
            label = "".join(each.text for each in link.classed("visually-hidden"))
            shown[label] = (int(re.sub(r"\D", "", link.text.removeprefix(label))), link.attributes["href"])
    return shown


def make_fleet(make, tenant, **states: int):
    """UTMs of one customer: so many of each state."""
    customer = make.customer(tenant=tenant)
    now = clock.utc_now()
    seen = {"online": now, "offline": now - timedelta(hours=1), "unconnected": None}
    for state, count in states.items():
        for _ in range(count):
            make.utm(customer_row=customer, last_seen_at=seen[state])
    make.utm(customer_row=customer, last_seen_at=now - timedelta(days=2), removed_at=now)
    return customer


def test_the_number_of_offline_utms_is_red_only_where_there_are_any(operator, make):
    before = operator.get("/").text
    make_fleet(make, operator.tenant, offline=1)

    (red,) = Page(operator.get("/").text).main.classed("text-danger")

    assert "text-danger" not in before
    assert red.text == "オフライン 1 台"


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({}, "UTM未登録"),
        ({"online": 1, "offline": 2}, "監視できていません（2台がオフライン）"),
        ({"unconnected": 1}, "監視できていません（1台が未接続）"),
        ({"offline": 1, "unconnected": 2}, "監視できていません（1台がオフライン、2台が未接続）"),
        ({"online": 1}, "検出された脅威はありません"),
    ],
)
def test_nothing_is_said_to_be_clear_that_nobody_watches(operator, make, states, told):
    customer = make_fleet(make, operator.tenant, **states)

    for path in ("/", f"/customers/{customer.id}/security"):
        text = Page(operator.get(path).text).main.text
        assert told in text, path
        assert ("検出された脅威はありません" in text) is (told == "検出された脅威はありません"), path


def test_a_customer_with_problems_is_told_what_is_not_monitored_too(make, signed_in, alarmed):
    client = signed_in(make.member(alarmed.tenant, "Partner Viewer"), alarmed.tenant)

    page = Page(client.get(f"/customers/{alarmed.id}/security").text)

    assert "ご利用の環境で問題がみつかりました" in page.main.text
    assert "監視できていません（1台が未接続）" in page.main.text
    (link,) = [each for each in page.main.all("a") if each.text == "重要アラート数: 3"]
    assert link.attributes["href"] == f"/customers/{alarmed.id}/alerts/important"


def test_the_id_of_a_customer_opens_it_and_the_number_of_alerts_their_list(make, signed_in, alarmed):
    client = signed_in(make.member(alarmed.tenant, "Partner Viewer"), alarmed.tenant)

    links = {each.text: each.attributes["href"] for each in Page(client.get("/").text).main.all("a")}

    assert links[alarmed.id] == f"/customers/{alarmed.id}"
    assert links["3"] == f"/customers/{alarmed.id}/alerts/important"
