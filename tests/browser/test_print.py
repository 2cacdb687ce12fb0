"""Lists on paper: what they say, and nothing of what one does with them on a screen."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from models import clock
from models.alerts import ingest as alert_ingest
from tests.browser.signing_in import enter_tenant, sign_in
from tests.support.alerts import lines
from tests.support.fixtures import weak_hash

# Paper has one width.
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("page", ["desk"], indirect=True)]
ON_SCREEN_ONLY = (
    ".side",
    ".topbar",
    ".page-actions",
    ".footer",
    "form[role=search]",
    ".pagination",
    ".keyset",
    ".bare",
)


@pytest.fixture
def customer(make):
    tenant = make.tenant(name="サンプルパートナー")
    make.elevated("NEC Admin", email="admin@example.jp", password=weak_hash())
    for number in range(30):
        make.customer(tenant=tenant, name=f"株式会社あおぞら製作所{number:02}")
    return make.customer(tenant=tenant, name="株式会社ひばり")


@pytest.fixture
def alerts(make, customer, engine):
    utm = make.utm(customer_row=customer, name="本社")
    now = clock.utc_now()
    with Session(engine, info={"tenant_scope": customer.tenant_id}) as session:
        found = lines(60, at=now - timedelta(hours=2), msg="走査の試み")
        alert_ingest.store(
            session, alert_ingest.Sender(customer.tenant_id, customer.id, utm.id), found, now=now, retention_months=13
        )
        session.commit()


def enter(page, customer):
    sign_in(page, "admin@example.jp")
    enter_tenant(page, customer.tenant_id)


def paper(page) -> str:
    """The words on paper, after a look at what must not be there."""
    page.emulate_media(media="print")
    for selector in ON_SCREEN_ONLY:
        shown = [each for each in page.locator(selector).all() if each.is_visible()]
        assert not shown, f"{page.url} prints {selector}"
    return page.locator("body").inner_text()


def test_the_customer_list_prints_its_rows_its_tenant_and_its_conditions(page, customer):
    enter(page, customer)
    page.goto("/customers/?name=あおぞら&status=draft&sort=id&direction=asc")

    words = paper(page)

    assert re.search(rf"{customer.tenant_id} サンプルパートナー / \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d 時点", words)
    assert "検索条件: 会社名: あおぞら / ステータス: ドラフト" in words
    assert "30件" in words
    assert "2ページ中1ページ" in words
    assert words.count("株式会社あおぞら製作所") == 25
    assert page.locator("thead").evaluate("each => getComputedStyle(each).display") == "table-header-group"
    assert page.locator("td a").first.evaluate("each => getComputedStyle(each, '::after').content") == "none"


def test_the_alert_list_prints_its_period(page, customer, alerts):
    enter(page, customer)
    page.goto(f"/customers/{customer.id}/alerts/")

    words = paper(page)

    assert "会社名: 株式会社ひばり" in words
    assert re.search(r"\d{4}-\d\d-\d\d – \d{4}-\d\d-\d\d", words)
    expect(page.locator("tbody tr:visible")).to_have_count(50)


@pytest.mark.parametrize("address", ["/users/list/?email=example", "/permissionviews/list/", "/tenants/"])
def test_lists_of_all_tenants_print_and_name_none(page, customer, address):
    enter(page, customer)
    page.goto(address)

    words = paper(page)

    expect(page.locator("tbody tr:visible").first).to_be_visible()
    assert f"{customer.tenant_id} サンプルパートナー /" not in words
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 時点", words)
    assert ("検索条件: メールアドレス: example" in words) == ("example" in address)


def test_a_list_of_rights_says_which_page_of_how_many_it_is(page, customer):
    enter(page, customer)
    page.goto("/permissionviews/list/?page=2")

    words = paper(page)

    assert re.search(r"^\d+件$", words, re.MULTILINE)
    assert re.search(r"\dページ中2ページ", words)


@pytest.mark.parametrize(
    ("address", "condition"),
    [
        ("/tenants/?by=name&text=あおぞら", "検索条件: 会社名: あおぞら"),
        ("/tenants/?by=phone&text=0312345678", "検索条件: 電話番号: 0312345678"),
        ("/tenants/?by=name&text=ありません", "検索条件: 会社名: ありません"),
        ("/tenants/", None),
    ],
)
def test_a_search_across_tenants_prints_what_was_looked_for(page, customer, address, condition):
    enter(page, customer)
    page.goto(address)

    words = paper(page)

    assert condition in words if condition else "検索条件" not in words


def test_the_mail_log_prints_what_it_was_searched_for(page, customer, make):
    make.mail_message(state="failed", attempts=5, subject="届かなかった知らせ", last_error="550 User unknown")
    make.mail_message(state="sent", attempts=1, subject="届いた知らせ")
    enter(page, customer)
    page.goto("/staff/mail/?state=failed")
    expect(page.get_by_role("button", name="印刷")).to_be_visible()

    words = paper(page)

    assert "検索条件: ステータス: 失敗" in words
    assert "届かなかった知らせ" in words
    assert "届いた知らせ" not in words
    assert "サンプルパートナー" not in words


def test_a_list_makes_a_pdf_of_landscape_pages(page, customer, tmp_path):
    enter(page, customer)
    page.goto("/customers/")

    made = page.pdf(path=tmp_path / "list.pdf", prefer_css_page_size=True)

    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", made)
    assert len(boxes) == 2  # 25 rows from the first page on
    assert all(float(width) > float(height) for width, height in boxes)


def test_the_button_prints(page, customer):
    enter(page, customer)
    page.goto("/customers/")
    page.evaluate("window.print = () => { document.title = 'printed'; }")

    page.get_by_role("button", name="印刷").click()

    expect(page).to_have_title("printed")


def test_a_sheet_as_wide_as_a_screen_begins_at_its_left_edge(page, customer):
    enter(page, customer)
    page.goto("/customers/")

    page.emulate_media(media="print")

    assert page.locator("main").bounding_box()["x"] == 0
