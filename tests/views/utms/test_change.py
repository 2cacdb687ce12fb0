"""§7.9, §7.10, §7.11: changing a UTM, removing it, and what its page then says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from models import clock
from tests.support.pages import Page, answered

MAC = "A1:B2:C3:D4:E5:F6"


@pytest.fixture
def utm(make, operator):
    _, utm = make.customer_with_utm(operator.tenant, utm_id="a1b2c3d4e5f6", name="本社ゲートウェイ")
    return utm


def url(utm, page: str = "") -> str:
    return f"/customers/{utm.customer_id}/utms/{utm.id}{page}"


def form(client, utm):
    return Page(client.get(url(utm, "/edit")).text).main_form


def save(client, utm, **values):
    return client.post(url(utm, "/edit"), data=answered(form(client, utm).sent(values)))


def stored(make, utm, column):
    make.session.rollback()
    make.session.expire_all()
    return getattr(make.session.get(type(utm), utm.id), column)


def test_a_change_leads_to_the_security_tab_and_is_told(operator, make, utm):
    listed = operator.get(f"/customers/{utm.customer_id}/security", query_string={"name": "本社"})
    (edit,) = [each for each in Page(listed.text).links if "/edit" in each]
    sent = answered(Page(operator.get(edit).text).main_form.sent(name="支店", desk_email2="ｄｅｓｋ@example.com"))

    answer = operator.post(url(utm, "/edit"), data=sent)

    assert re.match(rf"/customers/{utm.customer_id}/security\?name=", answer.location)
    assert "UTM情報を変更しました。" in operator.get(answer.location).text
    assert [stored(make, utm, name) for name in ("name", "desk_email2", "version")] == ["支店", "desk@example.com", 2]


def test_the_form_shows_what_is_fixed_and_takes_none_of_it(operator, make, utm):
    page = Page(operator.get(url(utm, "/edit")).text)
    assert all(shown in page.main.text for shown in (utm.customer_id, utm.utm_id, utm.serial))
    assert not {"utm_id", "serial", "customer_id"} & page.main_form.names

    answer = save(operator, utm, name="支店", utm_id="ffffffffffff", serial="OTHER-0000000001", tenant_id="T9999999")

    assert answer.status_code == 302
    kept = [stored(make, utm, name) for name in ("utm_id", "serial", "tenant_id", "name")]
    assert kept == [utm.utm_id, utm.serial, operator.tenant.id, "支店"]


@pytest.mark.parametrize("typed", [MAC, "a1-b2-c3-d4-e5-f6", "Ａ１Ｂ２．Ｃ３Ｄ４．Ｅ５Ｆ６", " a1b2c3d4e5f6 "])
def test_the_mac_address_is_taken_as_people_write_it(operator, make, utm, typed):
    assert save(operator, utm, mac_address=typed).status_code == 302

    assert stored(make, utm, "mac_address") == MAC
    assert Page(operator.get(f"/customers/{utm.customer_id}/security").text).column("MACアドレス入力状況") == [
        "入力済み"
    ]


def test_a_mac_address_that_was_entered_is_shown_and_stays(operator, make, utm):
    save(operator, utm, mac_address=MAC)

    page = Page(operator.get(url(utm, "/edit")).text)
    assert MAC in page.main.text
    assert "mac_address" not in page.main_form.names
    answer = save(operator, utm, mac_address="A1:B2:C3:D4:E5:F7", name="支店")

    assert answer.status_code == 302
    assert (stored(make, utm, "mac_address"), stored(make, utm, "name")) == (MAC, "支店")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("A1:B2:C3:D4:E5:F7", "MACアドレスがUTM IDと一致しません。"),
        ("A1:B2:C3:D4:E5", "17文字"),
        ("G1:B2:C3:D4:E5:F6", "17文字"),
        ("<b>", "17文字"),
    ],
)
def test_a_mac_address_that_is_none_is_told_beside_it(operator, make, utm, typed, told):
    answer = save(operator, utm, mac_address=typed)

    assert answer.status_code == 422
    assert told in Page(answer.text).error_of("mac_address")
    assert stored(make, utm, "mac_address") is None


def test_the_second_of_two_sees_what_the_first_saved(operator, make, utm):
    opened = answered(form(operator, utm).sent(address="二番"))
    save(operator, utm, address="一番", mac_address=MAC)

    page = operator.post(url(utm, "/edit"), data=opened)

    assert page.status_code == 409
    assert [each[1:] for each in Page(page.text).differences] == [("一番", "二番")]
    assert stored(make, utm, "address") == "一番"


def test_a_heartbeat_between_opening_and_saving_disturbs_nobody(operator, make, utm):
    opened = answered(form(operator, utm).sent(name="支店"))
    make.session.execute(text("UPDATE utm SET last_seen_at = now(), firmware = '2.0'"))
    make.session.commit()

    assert operator.post(url(utm, "/edit"), data=opened).status_code == 302


def test_the_address_is_filled_in_from_the_postcode(operator, utm):
    page = operator.post(url(utm, "/edit"), data=form(operator, utm).sent(postcode="733-0001", find_address="1"))

    assert "広島県広島市西区大芝" in Page(page.text).main_form.sent()["address"]
    assert "申請情報" not in Page(page.text).main.text


def test_removing_asks_with_what_follows_from_it(operator, make, utm):
    page = Page(operator.get(url(utm)).text)
    sent = page.form_to(url(utm, "/delete")).sent()
    for shown in (sent["question"], Page(operator.post(url(utm, "/delete"), data=sent).text).main.text):
        assert all(told in shown for told in ("本社ゲートウェイ", "ダウンロードできなくなります", "トークン", "契約"))
    assert stored(make, utm, "removed_at") is None

    answer = operator.post(url(utm, "/delete"), data=answered(sent))

    assert answer.location == f"/customers/{utm.customer_id}/security"
    tab = operator.get(answer.location).text
    assert "UTM情報を削除しました。" in tab
    assert utm.utm_id not in Page(tab).main.text
    assert stored(make, utm, "removed_at") is not None


def test_the_token_of_a_removed_utm_ends_at_once(app, operator, utm):
    page = operator.post(url(utm, "/token"), follow_redirects=True).text
    token = re.search(r'value="(utm_[\w-]+)"', page)[1]
    beat = {"json": {}, "headers": {"Authorization": f"Bearer {token}"}}
    assert app.test_client().post("/api/device/v1/heartbeat", **beat).status_code == 200

    operator.post(url(utm, "/delete"))

    assert app.test_client().post("/api/device/v1/heartbeat", **beat).status_code == 401


def test_the_page_of_a_removed_utm_can_be_read_and_nothing_more(operator, make, utm):
    operator.post(url(utm, "/delete"))

    page = Page(operator.get(url(utm)).text)

    assert "削除済み" in page.main.text
    assert not [each for each in page.links if "/edit" in each]
    assert [each.action for each in page.sendings if "/utms/" in each.action] == []
    for path in ("/edit", "/token", "/delete"):
        told = operator.post(url(utm, path), follow_redirects=True)
        assert "このUTMは既に削除されています。" in Page(told.text).main.text


def test_its_alerts_stay_listed_and_the_customer_can_be_deleted(operator, make, utm):
    operator.post(url(utm, "/delete"))

    assert operator.get(f"/customers/{utm.customer_id}/alerts/?utm={utm.id}").status_code == 200
    make.session.execute(text("DELETE FROM contract_line; DELETE FROM contract"))
    make.session.commit()
    answer = operator.post(f"/customers/{utm.customer_id}/delete", follow_redirects=True)
    assert "削除しました。" in answer.text


def test_the_history_names_each_change_and_the_group_of_an_address(operator, utm):
    save(operator, utm, name="支店", desk_email1="a@example.com", mac_address=MAC)
    operator.post(url(utm, "/delete"))

    history = Page(operator.get(url(utm)).text).column("項目")

    assert history[0] == "削除日時"
    assert {"UTM名", "通知先（サービス窓口） メールアドレス1", "MACアドレス入力状況"} <= set(history)


def test_the_order_of_the_details_is_that_of_the_manual(operator, make):
    _, utm = make.customer_with_utm(
        operator.tenant, last_seen_at=clock.utc_now() - timedelta(minutes=1), firmware="1", ip_address="192.0.2.1"
    )

    labels = [each.text for each in Page(operator.get(url(utm)).text).main.all("dt")]

    assert labels[:12] == [
        *("会社ID", "UTM ID", "UTM名", "動作", "MACアドレス入力状況", "最終接続", "バージョン", "IPアドレス"),
        *("製造番号", "郵便番号", "住所", "配送状況"),
    ]
    assert labels[12:21] == [f"メールアドレス{number}" for _ in range(3) for number in (1, 2, 3)]


def test_a_viewer_only_looks(operator, make, signed_in, utm):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    for page in (f"/customers/{utm.customer_id}/security", url(utm)):
        shown = Page(viewer.get(page).text)
        assert not [each for each in shown.links if "/edit" in each]
        assert not [each for each in shown.sendings if "/delete" in each.action]
    assert [viewer.post(url(utm, path)).status_code for path in ("/edit", "/delete")] == [403, 403]


def test_nobody_changes_or_removes_a_utm_of_another_tenant(operator, make):
    _, theirs = make.customer_with_utm(make.tenant())

    assert [operator.post(url(theirs, path)).status_code for path in ("/edit", "/delete")] == [404, 404]
    assert stored(make, theirs, "removed_at") is None


def test_a_removed_utm_gives_its_id_to_another_customer(operator, make, utm):
    operator.post(url(utm, "/delete"))
    other = make.customer(tenant=operator.tenant)

    again = make.utm(customer_row=other, utm_id=utm.utm_id, serial=utm.serial)

    assert operator.get(url(again)).status_code == 200
