"""From the public form to a working customer: an applicant and an operator, each in a browser of their own (§8.2, §7)."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from jobs.mail import send_due
from models import clock
from models.actor import SYSTEM
from models.tenants import api_token
from tests.browser.signing_in import sign_in
from tests.factories.applications import APPLICANT, DELIVERY
from tests.support.fixtures import weak_hash
from tests.support.mail_sink import Sink, free_port, listening

pytestmark = pytest.mark.browser
COMPANY = APPLICANT["company"]
USER = {"last_name": "緑川", "first_name": "四郎", "email": "shiro@example.com", "mobile": "090-1234-5678"}
API = "/api/customer/v1"


@pytest.fixture
def portal_url(app, live_url, monkeypatch):
    """The address of the portal, also in mails and in the invitation URL."""
    monkeypatch.setitem(app.config, "PORTAL_URL", live_url)
    return live_url


@pytest.fixture
def inbox(app, monkeypatch):
    """Let the mail worker send what waits, and return the text of the newest mail to an address."""
    sink = Sink(free_port())
    for name, value in {"server": "127.0.0.1", "port": sink.port, "suppress": False}.items():
        monkeypatch.setattr(app.extensions["mail"], name, value)

    def newest(address: str) -> str:
        with app.app_context():
            send_due()
        (*_, message) = (each for each in sink.messages if each["To"] == address)
        return message.get_content()

    with listening(sink):
        yield newest


@pytest.fixture
def person(chromium, portal_url):
    """A browser of one's own: ``with person() as page``."""

    @contextmanager
    def opened():
        context = chromium.new_context(base_url=portal_url, viewport={"width": 1280, "height": 900}, locale="ja-JP")
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        context.close()
        assert complaints == []

    return opened


@pytest.fixture
def tenant(make):
    """A tenant with a product to sell."""
    tenant = make.tenant(name="サンプルパートナー")
    make.rate_plan(product=make.product(name="見守りUTM"), name="月額プラン", price=6600)
    return tenant


@pytest.fixture
def call(app, tenant, in_tenant):
    """Call the customers' API as the customers' portal: ``call("/sign-ups/verify", {"token": ...})``."""
    with in_tenant(tenant.id) as session:
        _, token = api_token.create(session, "顧客ポータル", now=clock.utc_now(), by=SYSTEM)
        session.commit()

    def post(path, body):
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": path}
        answer = app.test_client().post(f"{API}{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    return post


def fill(page, values, prefix=""):
    for name, value in values.items():
        control = page.locator(f"#{prefix}{name}")
        if name == "prefecture":
            control.select_option(value)
        else:
            control.fill(str(value))


def press(page, name):
    page.get_by_role("button", name=name, exact=True).last.click()


def answer_ok(page):
    page.get_by_role("dialog").get_by_role("button", name="OK").click()


def apply(page, url, sound):
    """Fill in the public form, review it and send it."""
    page.goto(url)
    sound(page)
    fill(page, APPLICANT)
    fill(page, DELIVERY, "deliveries-0-")
    fill(page, USER, "users-0-")
    page.get_by_label("同意する").check()
    press(page, "入力内容を確認")
    page.get_by_role("heading", name="サービス利用申請 - 入力内容の確認").wait_for()
    sound(page)
    press(page, "送信")
    page.get_by_role("heading", name="確認メールを送信しました").wait_for()
    sound(page)


def confirm(page, url, sound):
    """Open the mailed link and confirm the application; return its number."""
    page.goto(url)
    page.get_by_role("heading", name="申込み内容の確認").wait_for()
    sound(page)
    press(page, "申込みを確定する")
    page.get_by_role("heading", name="申込みを受け付けました").wait_for()
    sound(page)
    return re.search(r"AAP-[0-9A-Z]{8}", page.inner_text("main"))[0]


def approve(page, number):
    """Find the application in the list, open it and approve it."""
    page.goto("/service-applications/")
    expect(page.get_by_role("row").filter(has_text=number)).to_contain_text(COMPANY)
    page.get_by_role("link", name=number).click()
    page.get_by_text(USER["email"]).wait_for()
    page.locator(".page-actions summary").click()
    press(page, "承認")
    answer_ok(page)
    page.get_by_text(f"申請を承認しました。(対象の申請番号：{number})").wait_for()


def apply_for_contract(page):
    """Follow the next step to the contract application, whose delivery address is filled in."""
    page.get_by_role("link", name="契約を申し込む").click()
    for name in ("company", "last_name", "first_name", "address"):
        expect(page.locator(f"#ship_{name}")).to_have_value(DELIVERY[name])
    page.get_by_label("契約開始日").fill(clock.tokyo_day(clock.utc_now()).isoformat())
    page.locator("#product_id").select_option("見守りUTM")
    page.locator("#lines-0-rate_plan_id option", has_text="月額プラン").wait_for(state="attached")
    page.locator("#lines-0-rate_plan_id").select_option("月額プラン")
    press(page, "申込")
    answer_ok(page)
    page.get_by_text("契約を申込みました。").wait_for()


def register_utm(page, customer_url):
    """Go from the customer to the registration of a UTM, and register it."""
    page.goto(customer_url)
    page.get_by_role("link", name="セキュリティサービス").click()
    page.get_by_text("UTM未登録").first.wait_for()
    page.get_by_role("link", name="作成").first.click()
    # The only delivery address of the application is filled in here too.
    expect(page.locator("#postcode")).to_have_value(DELIVERY["postcode"])
    expect(page.locator("#address")).to_have_value(f"{DELIVERY['prefecture']}{DELIVERY['address']}")
    fill(page, {"utm_id": "a1b2c3d4e5f6", "name": "本社ゲートウェイ", "serial": "SERIALNUMBER11111"})
    page.get_by_label("配送状況").fill("受領済")
    page.locator("#customer_email1").fill(APPLICANT["email"])
    press(page, "登録")
    answer_ok(page)
    page.get_by_text("UTM情報を登録しました。").wait_for()


def link_in(text, path):
    (url,) = set(re.findall(rf"https?://\S+/{path}/\S+", text))
    return url


def test_a_company_applies_and_becomes_a_working_customer(person, make, tenant, inbox, call, sound):
    operator = make.member(tenant, "Partner Operator", password=weak_hash())
    with person() as applicant, person() as desk:
        sign_in(desk, operator.email)
        desk.goto("/service-applications/invitation")
        apply(applicant, desk.locator("#invitation-url").input_value(), sound)
        number = confirm(applicant, link_in(inbox(APPLICANT["email"]), "confirm-application"), sound)

        approve(desk, number)
        customer_url = desk.get_by_role("link", name="顧客", exact=True).last.get_attribute("href")
        apply_for_contract(desk)
        register_utm(desk, customer_url)
        desk.goto(f"{customer_url}/users/")
        expect(desk.get_by_role("row").filter(has_text=USER["email"])).to_contain_text("サインアップ期間内")

        token = link_in(inbox(USER["email"]), "sign-up").rpartition("/")[2]
        user = call("/sign-ups/verify", {"token": token})["portal_user"]
        assert (user["company_name"], user["email"]) == (COMPANY, USER["email"])
        call(f"/portal-users/{user['id']}/password-set", {})

        desk.reload()
        expect(desk.get_by_role("row").filter(has_text=USER["email"])).to_contain_text("完了")
