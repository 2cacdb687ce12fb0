"""UTM再起動 and 状態確認 of the security tab and of the lists of UTMs (§7.12.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from models.mail.outbox import MailMessage
from models.utms.reboot import Reboot
from tests.support.pages import Page, answered

NOW = datetime(2026, 12, 24, 3, 7, tzinfo=UTC)
"""12:07 in Tokyo."""
SLOT = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
LATER = {"way": "later", "day": "2026-12-25", "time": "03:00"}


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def utm(make, operator):
    line = make.contract_line(contract=make.contract(tenant=operator.tenant))
    return make.utm(
        customer_row=line.contract.customer,
        name="本社",
        utm_id="a1b2c3d4e5f6",
        last_seen_at=NOW,
        customer_email1="a@example.jp",
        customer_email3="c@example.jp",
    )


@pytest.fixture
def url(utm):
    return f"/customers/{utm.customer_id}/utms/{utm.id}/reboot"


@pytest.fixture
def choose(operator, url):
    """Choose an item of the menu and answer OK; return the page that follows."""

    def send(**values):
        sent = answered(Page(operator.get(url).text).main_form.sent(values))
        return Page(operator.post(url, data=sent, follow_redirects=True).text)

    return send


def tab_of(client, utm) -> Page:
    return Page(client.get(f"/customers/{utm.customer_id}/security").text)


def told(page) -> list[str]:
    return [each.text for each in page.main.classed("notice")]


def stored(make) -> list[tuple]:
    make.session.rollback()
    rows = make.session.scalars(select(Reboot).order_by(Reboot.id)).all()
    return [(each.state, each.planned, each.due_at) for each in rows]


def mails(make) -> list[tuple[str, str]]:
    make.session.rollback()
    rows = make.session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
    return [(each.kind, each.recipient) for each in rows]


def status(client, utm) -> str:
    page = Page(client.get(f"/customers/{utm.customer_id}/utms/{utm.id}/reboot-status").text)
    return page.root.one(id="reboot-status").text


def test_the_tab_has_the_buttons_and_the_plan_of_each_utm(operator, make, utm):
    make.utm(customer_row=utm.customer, name="支店", utm_id="ffffffffffff", last_seen_at=NOW - timedelta(hours=1))
    make.reboot(utm_row=utm, due_at=SLOT)

    page = tab_of(operator, utm)

    assert page.column("UTM再起動") == ["再起動 状態確認"] * 2
    assert dict(zip(page.column("UTM名"), page.column("再起動予定"), strict=True)) == {
        "本社": "2026-12-25 03:00",
        "支店": "-",
    }
    assert [each.text for each in page.root.all("a", aria_label="本社を再起動")] == ["再起動"]
    refused = page.root.one("button", aria_label="支店を再起動")
    assert refused.attributes["aria-disabled"] == "true"
    why = page.root.one(id=refused.attributes["aria-describedby"])
    assert why.text == "再起動できるのは、UTMがオンラインの場合のみです。"


def test_a_viewer_checks_the_status_and_reboots_nothing(make, signed_in, operator, utm, url):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    assert tab_of(viewer, utm).column("UTM再起動") == ["状態確認"]
    assert viewer.get(url).status_code == viewer.post(url, data=LATER).status_code == 403
    assert viewer.post("/utms/reboot", data={"rowid": utm.id}).status_code == 403
    assert "過去60日間に再起動要求は実行されていません。" in status(viewer, utm)


def test_a_utm_is_rebooted_now_after_a_question(operator, make, utm, url, choose):
    form = Page(operator.get(url).text).main_form
    question = Page(operator.post(url, data=form.sent(way="now")).text)

    assert "今すぐ再起動します: 本社 (a1b2c3d4e5f6)" in question.main.text
    assert stored(make) == []
    page = choose(way="now")
    again = choose(way="now")

    assert told(page) == ["UTMに再起動を要求しました。(UTM ID : a1b2c3d4e5f6)"]
    assert "再起動要求中です。" in again.main.text
    assert stored(make) == [("requested", False, NOW)]
    assert mails(make) == []
    assert "再起動要求中です。" in status(operator, utm)


def test_a_plan_is_registered_replaced_and_cancelled_with_a_mail_each(operator, make, utm, url, choose):
    first = choose(**LATER)
    form = Page(operator.get(url).text).main_form
    question = Page(operator.post(url, data=form.sent(LATER | {"time": "04:15"})).text)
    choose(**LATER | {"time": "04:15"})
    last = choose(way="cancel")

    assert told(first) == ["再起動予定を登録しました。(UTM ID : a1b2c3d4e5f6)"]
    assert "登録済みの再起動予定（2026-12-25 03:00）と置き換えます。" in question.main.text
    assert told(last) == ["再起動予定を取り消しました。(UTM ID : a1b2c3d4e5f6)"]
    assert stored(make) == [("cancelled", True, SLOT), ("cancelled", True, SLOT + timedelta(minutes=75))]
    to = ("a@example.jp", "c@example.jp")
    kinds = ("reboot_scheduled", "reboot_scheduled", "reboot_cancelled")
    assert mails(make) == [(kind, each) for kind in kinds for each in to]
    bodies = make.session.scalars(select(MailMessage.body).order_by(MailMessage.id)).all()
    assert "再起動の予定: 2026-12-25 03:00" in bodies[0]
    assert "取り消した予定: 2026-12-25 04:15" in bodies[-1]


def test_without_an_address_nobody_is_mailed_and_the_operator_is_told(make, utm, choose):
    utm.customer_email1 = utm.customer_email3 = ""
    make.save(utm)

    page = choose(**LATER)

    assert told(page) == [
        "再起動予定を登録しました。(UTM ID : a1b2c3d4e5f6)",
        "本社 (a1b2c3d4e5f6)には通知先(顧客)のメールアドレスがないため、通知メールは送信していません。",
    ]
    assert mails(make) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (LATER | {"day": "2026-12-24", "time": "12:00"}, "現在より後の日時を選択してください。"),
        (LATER | {"day": "2027-03-24", "time": "12:15"}, "90日以内の日時を選択してください。"),
        (LATER | {"day": "0001-01-01", "time": "00:00"}, "現在より後の日時を選択してください。"),
        (LATER | {"day": ""}, "日付を選択してください。"),
        (LATER | {"time": "03:07"}, "03:07"),
        (LATER | {"way": "never"}, ""),
        ({"way": "cancel"}, "再起動予定はありません。"),
    ],
)
def test_what_is_not_possible_is_told_and_changes_nothing(make, operator, url, values, message):
    form = Page(operator.get(url).text).main_form
    answer = operator.post(url, data=answered(form.sent(values)))

    assert answer.status_code == 422
    assert message in Page(answer.text).main.text or message == "03:07"
    assert stored(make) == []


@pytest.mark.parametrize(("day", "time"), [("2026-12-24", "12:15"), ("2027-03-24", "12:00")])
def test_the_first_and_the_last_slot_can_be_chosen(make, choose, day, time):
    choose(way="later", day=day, time=time)

    assert [each[0] for each in stored(make)] == ["scheduled"]


def test_a_plan_that_somebody_else_changed_meanwhile_is_left_alone(make, operator, utm, url):
    make.reboot(utm_row=utm, due_at=SLOT)
    sent = answered(Page(operator.get(url).text).main_form.sent(way="cancel"))
    form = Page(operator.get(url).text).main_form
    operator.post(url, data=answered(form.sent(LATER | {"time": "05:00"})))

    answer = operator.post(url, data=sent)

    assert (answer.status_code, [each[0] for each in stored(make)]) == (422, ["cancelled", "scheduled"])
    assert "再起動予定が変更されました。もう一度確認してください。" in Page(answer.text).main.text


def test_a_reboot_at_once_leaves_the_plan_in_place(make, utm, choose):
    make.reboot(utm_row=utm, due_at=SLOT)
    choose(way="now")

    assert sorted(each[0] for each in stored(make)) == ["requested", "scheduled"]


@pytest.mark.parametrize(
    ("state", "values", "answer"),
    [
        ("succeeded", {}, "2026-12-24 03:05:00 に再起動要求に成功しました。"),
        ("succeeded", {"verified_at": NOW}, "2026-12-24 03:05:00 に再起動要求に成功しました。 確認済み"),
        (
            "failed",
            {},
            "2026-12-24 03:00:00 に実行された再起動要求は失敗しました。 UTMの復帰を時間内に確認できませんでした。",
        ),
        ("requested", {}, "再起動要求中です。"),
        ("cancelled", {}, "過去60日間に再起動要求は実行されていません。"),
        ("scheduled", {}, "過去60日間に再起動要求は実行されていません。"),
    ],
)
def test_the_status_is_that_of_the_last_request_within_60_days(make, operator, utm, state, values, answer):
    due = datetime(2026, 12, 23, 18, 0, tzinfo=UTC)
    make.reboot(utm_row=utm, state="failed", due_at=due - timedelta(days=61))
    make.reboot(utm_row=utm, state=state, due_at=due, **values)

    assert f"本社 (a1b2c3d4e5f6) {answer}" in status(operator, utm)


def test_several_utms_are_planned_one_after_the_other(make, operator, utm):
    others = [make.utm(customer_row=utm.customer, name=name, last_seen_at=NOW) for name in ("二号", "三号")]
    never = make.utm(customer_row=utm.customer, name="未接続機")
    make.reboot(utm_row=others[0], due_at=SLOT + timedelta(hours=3))
    ticked = {"rowid": [each.id for each in (utm, *others, never)]}
    list_url = "http://localhost/utms/?page=1"

    menu = Page(operator.post("/utms/reboot", data=ticked, headers={"Referer": list_url}).text)
    sent = menu.main_form.sent(LATER | {"steps": "2"})
    question = Page(operator.post("/utms/reboot", data=sent).text)
    answer = operator.post("/utms/reboot", data=answered(sent))
    page = Page(operator.get(answer.location).text)

    assert "4台のUTMを選択しています。" in menu.main.text
    assert "2026-12-25 03:00 - 2026-12-25 04:30 に再起動します: " in question.main.text
    assert "登録済みの再起動予定（2026-12-25 06:00）と置き換えます。" in question.main.text
    assert f"対象外: 未接続機 ({never.utm_id})。UTMが一度も接続していません。" in question.main.text
    assert answer.location == "/utms/?page=1"
    assert "3台の再起動予定を登録しました。" in page.main.text
    assert f"対象外: 未接続機 ({never.utm_id})。UTMが一度も接続していません。" in page.main.text
    planned = sorted(due for state, _, due in stored(make) if state == "scheduled")
    order = sorted((utm, *others, never), key=lambda each: each.utm_id)
    wanted = [SLOT + timedelta(minutes=30) * place for place, each in enumerate(order) if each is not never]
    assert planned == wanted


def test_several_utms_are_rebooted_now_except_those_that_are_offline(make, operator, utm):
    offline = make.utm(customer_row=utm.customer, name="支店", last_seen_at=NOW - timedelta(hours=1))
    menu = Page(operator.post("/utms/reboot", data={"rowid": [utm.id, offline.id]}).text)

    answer = operator.post("/utms/reboot", data=answered(menu.main_form.sent(way="now")), follow_redirects=True)

    text = Page(answer.text).main.text
    assert "1台のUTMに再起動を要求しました。" in text
    assert f"対象外: 支店 ({offline.utm_id})。再起動できるのは、UTMがオンラインの場合のみです。" in text
    assert stored(make) == [("requested", False, NOW)]


def test_when_none_of_several_is_possible_the_menu_says_why(make, operator, utm):
    menu = Page(operator.post("/utms/reboot", data={"rowid": utm.id}).text)

    answer = operator.post("/utms/reboot", data=answered(menu.main_form.sent(way="cancel")))

    assert answer.status_code == 422
    assert (
        "選択したUTMでは実行できません。対象外: 本社 (a1b2c3d4e5f6)。再起動予定はありません。"
        in Page(answer.text).main.text
    )


@pytest.mark.parametrize("path", ["/utms/", "/customers/{}/security"])
def test_the_lists_of_utms_offer_to_reboot_the_ticked_ones(operator, utm, path):
    page = Page(operator.get(path.format(utm.customer_id)).text)

    button = page.root.one("button", formaction="/utms/reboot")
    assert (button.text, button.attributes["data-dialog"]) == ("再起動", "reboot-part")
    assert page.root.one("input", name="rowid").attributes["value"] == str(utm.id)


def test_utms_of_another_tenant_and_none_or_too_many_are_refused(make, operator, utm):
    theirs = make.utm(last_seen_at=NOW)
    back = {"list": "//elsewhere.example", "plan": "", "way": "now"}

    refused = [
        operator.post("/utms/reboot", data={"rowid": rowid} | back).status_code
        for rowid in ([utm.id, theirs.id], ["x"], [2**63 - 1], [], list(range(1, 102)))
    ]
    sent = operator.post("/utms/reboot", data={"rowid": utm.id} | back)

    assert refused == [404, 404, 404, 400, 400]
    assert sent.location == "/utms/"
    assert operator.get(f"/customers/{theirs.customer_id}/utms/{theirs.id}/reboot-status").status_code == 404


def test_the_page_of_a_utm_shows_its_last_reboots(make, operator, utm):
    make.reboot(utm_row=utm, state="succeeded", due_at=SLOT - timedelta(days=3), verified_at=NOW)

    page = Page(operator.get(f"/customers/{utm.customer_id}/utms/{utm.id}").text)

    assert page.column("結果") == ["確認済み"]
    assert f"/reboots/?utm_name={utm.utm_id}" in page.links


def test_removing_a_utm_cancels_its_open_reboots_without_a_mail(make, operator, utm):
    make.reboot(utm_row=utm, due_at=SLOT)
    make.reboot(utm_row=utm, state="requested", due_at=NOW)
    ended = make.reboot(utm_row=utm, state="failed", due_at=SLOT - timedelta(days=2))

    operator.post(f"/customers/{utm.customer_id}/utms/{utm.id}/delete")

    assert [each[0] for each in stored(make)] == ["cancelled", "cancelled", "failed"]
    assert (ended.failure, mails(make)) == ("no_result", [])
