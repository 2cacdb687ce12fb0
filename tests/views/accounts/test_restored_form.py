"""A form sent after the session has ended: who gets it back, what is kept of it and for how long."""

from __future__ import annotations

import html

import pytest
import redis
from flask_wtf import FlaskForm
from wtforms import FileField, Form, PasswordField

from models import sealed_secret
from tests.factories import PASSWORD
from tests.support.fixtures import weak_hash
from tests.support.pages import Page
from tests.support.restoring import draft_of, restored_page, send_too_late
from views import form_draft

NOTICE = "入力内容を復元しました。まだ保存されていません。"
LOST = "ログイン前に送信した内容は復元できませんでした。"


@pytest.fixture
def tenant(make):
    return make.tenant()


@pytest.fixture
def member(make, tenant):
    return make.member(tenant, "Partner Operator", email="one@example.jp", password=weak_hash())


@pytest.fixture
def client(member, tenant, signed_in):
    return signed_in(member, tenant)


@pytest.fixture
def stored(service_env):
    """What Redis holds of forms."""
    server = redis.Redis.from_url(service_env["REDIS_URL"])
    server.delete(*server.keys("form-draft*") or ["none"])
    yield lambda: {key: server.get(key) for key in server.keys("form-draft:*")}
    server.delete(*server.keys("form-draft*") or ["none"])


def new_customer(client, **typed):
    return Page(client.get("/customers/add").text).main_form.sent(typed)


def sign_in(client, late, email="one@example.jp"):
    return client.post(late.location, data={"email": email, "password": PASSWORD})


def test_the_way_back_leads_over_sign_in(client, stored):
    late = send_too_late(client, "/customers/add", new_customer(client, name="青空商店", memo1="A\r\nB"))

    door = client.get(late.location).text
    led = sign_in(client, late)
    page = Page(client.get(led.location).text)
    (form,) = (each for each in page.forms if "restored" in each.names)
    answer = client.post(form.action, data=form.sent())

    assert "送信した内容は保存されていません。" in door
    assert "15分以内にログインすると、入力した内容を画面に戻します。" in door
    assert form.action == "/customers/add"
    assert "data-auto-submit" in form.element.attributes
    assert (answer.status_code, NOTICE in answer.text) == (200, True)
    again = Page(answer.text).main_form.sent()
    assert (again["name"], again["memo1"]) == ("青空商店", "A\nB")


def test_it_is_restored_in_its_tenant(make, tenant, member, client, signed_in, stored):
    make.join(member, make.tenant(), "Partner Operator")
    late = send_too_late(client, "/customers/add", new_customer(client, name="青空商店"))

    led = sign_in(client, late)

    with client.session_transaction() as session:
        assert session["tenant_id"] == tenant.id
    assert Page(client.get(led.location).text).root.all("input", name="made_in")[0].attributes["value"] == tenant.id


def test_in_another_tenant_it_is_not_shown(make, member, client, signed_in, stored):
    other = make.tenant()
    make.join(member, other, "Partner Operator")
    late = send_too_late(client, "/customers/add", new_customer(client, name="青空商店"))

    elsewhere = signed_in(member, other)
    answer = elsewhere.get(f"/restored-form/?draft={draft_of(late)}", follow_redirects=True).text

    assert LOST in answer
    assert "青空商店" not in answer


def test_another_user_gets_nothing(make, tenant, client, signed_in, stored):
    make.member(tenant, "Partner Operator", email="two@example.jp", password=weak_hash())
    late = send_too_late(client, "/customers/add", new_customer(client, name="青空商店"))

    led = sign_in(client, late, "two@example.jp")
    pages = [client.get(led.location).text, client.get(f"/restored-form/?draft={draft_of(late)}").text]
    told = client.get("/customers/").text

    assert led.location == "/customers/add"
    assert LOST in pages[0]
    assert "青空商店" not in "".join(pages) + told


def test_the_user_gets_it_after_another_one_tried(make, tenant, member, client, signed_in, stored):
    make.member(tenant, "Partner Operator", email="two@example.jp", password=weak_hash())
    late = send_too_late(client, "/customers/add", new_customer(client, name="青空商店"))
    sign_in(client, late, "two@example.jp")

    page = restored_page(signed_in(member, tenant), late)

    assert page.main_form.sent()["name"] == "青空商店"


def test_with_another_secret_key_it_cannot_be_read(app, tenant, member, client, signed_in, stored, monkeypatch):
    late = send_too_late(client, "/customers/add", new_customer(client, name="青空商店"))
    monkeypatch.setitem(sealed_secret._settings, "keys", [b"another" * 8])

    led = sign_in(app.test_client(), late)
    told = signed_in(member, tenant).get(f"/restored-form/?draft={draft_of(late)}", follow_redirects=True).text

    assert led.location == "/customers/add"
    assert LOST in told
    assert "青空商店" not in told


def test_a_page_from_before_the_secret_key_was_replaced_is_restored(
    app, tenant, member, client, signed_in, monkeypatch
):
    sent = new_customer(client, name="青空商店")
    monkeypatch.setitem(app.config, "SECRET_KEY_FALLBACKS", [app.config["SECRET_KEY"]])
    monkeypatch.setitem(app.config, "SECRET_KEY", "another" * 8)

    late = send_too_late(client, "/customers/add", sent)

    assert draft_of(late) != ""


def test_a_key_of_another_secret_key_names_nobody(app, client, stored, monkeypatch):
    sent = new_customer(client, name="青空商店")
    monkeypatch.setitem(app.config, "SECRET_KEY", "another" * 8)

    assert draft_of(send_too_late(client, "/customers/add", sent)) == ""
    assert stored() == {}


@pytest.mark.parametrize("key", ["", "1", "1.x.y", "1." + "x" * 500, "あ", "x.y"])
def test_a_form_of_nobody_is_not_kept(client, stored, key):
    sent = new_customer(client, name="青空商店")
    sent["form_key"] = key

    late = send_too_late(client, "/customers/add", sent)

    assert draft_of(late) == ""
    assert stored() == {}
    assert "15分以内" not in client.get(late.location).text


def test_what_is_stored_can_be_read_by_nobody_and_ends_after_15_minutes(app, client, stored, service_env):
    sent = new_customer(client, name="aozora-shoten", memo1="himitsu")

    late = send_too_late(client, "/customers/add", sent)

    ((key, sealed),) = stored().items()
    assert 890 < redis.Redis.from_url(service_env["REDIS_URL"]).ttl(key) <= 900
    for readable in (b"aozora", b"himitsu", b"customers", b"memo1", draft_of(late).encode()):
        assert readable not in key + sealed


def test_after_15_minutes_it_is_gone(tenant, member, client, signed_in, stored, service_env):
    late = send_too_late(client, "/customers/add", new_customer(client, name="青空商店"))
    redis.Redis.from_url(service_env["REDIS_URL"]).delete(*stored())

    told = signed_in(member, tenant).get(late.location, follow_redirects=True).text

    assert LOST in told


def test_no_password_is_kept(make, signed_in, stored):
    admin, tenant = make.elevated("NEC Admin"), make.tenant()
    client = signed_in(admin, tenant)
    form = Page(client.get("/users/add").text).main_form
    sent = form.sent(email="new@example.jp")
    # No form with other fields has one, so it is added here.
    sent["password"] = "Tsugumi-2026!"

    late = send_too_late(client, "/users/add", sent)
    page = Page(signed_in(admin, tenant).get(f"/restored-form/?draft={draft_of(late)}").text)

    (kept,) = (each for each in page.forms if "restored" in each.names)
    assert kept.sent()["email"] == "new@example.jp"
    assert "password" not in kept.names


def test_a_form_of_passwords_alone_is_not_kept(make, signed_in, stored):
    client, url = signed_in(make.elevated("NEC Admin"), make.tenant()), "/password/"
    form = next(each for each in Page(client.get(url).text).forms if "password" in each.names)
    sent = form.sent(current_password="Tsugumi-2026!", password="Aozora-Wakaba-7", confirmation="Aozora-Wakaba-7")

    assert draft_of(send_too_late(client, url, sent)) == ""
    assert stored() == {}


def subclasses(cls):
    return {cls, *(each for direct in cls.__subclasses__() for each in subclasses(direct))}


def test_every_field_for_a_password_is_known_as_a_secret_and_no_form_takes_a_file(app):
    fields = {
        (name, field.field_class)
        for form in subclasses(Form) | subclasses(FlaskForm)
        if form.__module__.startswith("views.")
        for name in dir(form)
        if hasattr(field := getattr(form, name), "field_class")
    }

    passwords = {name for name, cls in fields if issubclass(cls, PasswordField)}
    assert passwords == {"client_secret", "current_password", "password", "confirmation"}
    assert all(form_draft.is_secret(name) for name in passwords)
    # A form with a file is not kept, because the file could not be sent again.
    assert {name for name, cls in fields if issubclass(cls, FileField)} == {"file", "files"}


@pytest.mark.parametrize(
    ("name", "secret"),
    [("password", True), ("new_password", True), ("confirmation", True), ("api_token", True), ("client_secret", True)]
    + [(name, False) for name in ("name", "memo1", "address1", "again1", "links-0-url", "version", "body")],
)
def test_names_of_secrets(name, secret):
    assert form_draft.is_secret(name) is secret


def test_a_form_that_is_too_large_is_not_kept(client, stored):
    late = send_too_late(client, "/customers/add", new_customer(client, memo1="x" * form_draft.MAX_BYTES))

    assert draft_of(late) == ""
    assert stored() == {}


def test_of_one_user_only_so_many_are_kept(client, signed_in, member, tenant, stored, monkeypatch):
    monkeypatch.setattr(form_draft, "MAX_DRAFTS", 2)
    sent = [new_customer(signed_in(member, tenant), name="青空商店") for _ in range(3)]

    found = [draft_of(send_too_late(client, "/customers/add", each)) for each in sent]

    assert [bool(each) for each in found] == [True, True, False]


def test_without_redis_signing_in_works_as_before(app, client, member, stored, monkeypatch):
    sent = new_customer(client, name="青空商店")
    away = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=1)
    monkeypatch.setitem(app.extensions, "redis", away)

    late = send_too_late(client, "/customers/add", sent)
    led = sign_in(app.test_client(), late)

    assert late.location == "/login/?next=/customers/add"
    assert led.location == "/customers/add"


def test_who_signed_in_again_in_another_window_gets_it_back_at_once(app, tenant, member, signed_in, monkeypatch):
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    sent = new_customer(signed_in(member, tenant), name="青空商店")
    client = signed_in(member, tenant)

    answer = client.post("/customers/add", data=sent)
    (form,) = (each for each in Page(client.get(answer.location).text).forms if "restored" in each.names)
    page = client.post(form.action, data=form.sent())

    assert answer.status_code == 302
    assert Page(page.text).main_form.sent()["name"] == "青空商店"
    assert NOTICE in page.text


def test_a_mail_template_comes_back(client, tenant, member, signed_in, stored):
    url = "/mail-templates/application_confirm/edit"
    form = next(each for each in Page(client.get(url).text).forms if "body" in each.names)
    sent = form.sent(subject="新しい件名", body="一行目\r\n二行目", step="preview")

    page = restored_page(signed_in(member, tenant), send_too_late(client, url, sent))

    again = next(each for each in page.forms if "body" in each.names).sent()
    assert NOTICE in page.main.text
    assert (again["subject"], again["body"]) == ("新しい件名", "一行目\n二行目")


def test_notification_addresses_come_back(client, tenant, member, signed_in, stored):
    url = "/notification-addresses/"
    form = next(each for each in Page(client.get(url).text).forms if "address1" in each.names)
    sent = form.sent(address1="info@example.jp", again1="info@example.jp", address2="typo@")

    page = restored_page(signed_in(member, tenant), send_too_late(client, url, sent))

    again = next(each for each in page.forms if "address1" in each.names).sent()
    assert NOTICE in page.main.text
    assert (again["address1"], again["again1"], again["address2"]) == ("info@example.jp", "info@example.jp", "typo@")


@pytest.mark.parametrize("button", [{}, {"add_link": "1"}, {"delete_origin": "0"}])
def test_tenant_settings_come_back_with_added_rows(client, tenant, member, signed_in, stored, button):
    url = "/tenant-settings/"
    link = {"url": "https://www.example.jp/", "description": "説明", "posted_on": "2026-04-01", "key": ""}
    added = {f"links-0-{name}": value for name, value in link.items()} | {"links-0-name": "新しいリンク"}
    form = next(each for each in Page(client.get(url).text).forms if "shortage_grace_days" in each.names)
    sent = form.sent({"shortage_grace_days": "33", "origins-0": "https://a.example.jp"} | added | button)

    page = restored_page(signed_in(member, tenant), send_too_late(client, url, sent))

    again = next(each for each in page.forms if "shortage_grace_days" in each.names).sent()
    assert NOTICE in page.main.text
    assert (again["shortage_grace_days"], again["origins-0"]) == ("33", "https://a.example.jp")
    assert again["links-0-name"] == "新しいリンク"


def test_markup_that_was_typed_stays_text(client, tenant, member, signed_in, stored):
    late = send_too_late(client, "/customers/add", new_customer(client, name='"><script>alert(1)</script>'))

    page = signed_in(member, tenant).get(f"/restored-form/?draft={draft_of(late)}").text

    assert "<script>alert" not in page
    assert html.escape("<script>alert(1)") in page


def form_with(page, name):
    (form,) = (each for each in page.forms if name in each.names)
    return form


def test_lines_of_utms_come_back(client, member, tenant, signed_in, stored):
    form = form_with(Page(client.get("/customers/import/utms").text), "lines")
    sent = form.sent(customer_id="A00000001", lines="a0b1c2000001,店舗1")

    late = send_too_late(client, "/customers/import/utms", sent)
    again = form_with(restored_page(signed_in(member, tenant), late), "lines").sent()

    assert (again["customer_id"], again["lines"]) == ("A00000001", "a0b1c2000001,店舗1")


def test_the_arrangement_of_the_dashboard_comes_back(client, member, tenant, signed_in, stored):
    form = form_with(Page(client.get("/dashboard-settings/").text), "visible")
    shown = form.sent().getlist("visible")
    assert len(shown) > 1

    late = send_too_late(client, "/dashboard-settings/", form.sent(visible=shown[1:]))
    page = restored_page(signed_in(member, tenant), late)

    assert form_with(page, "visible").sent().getlist("visible") == shown[1:]
