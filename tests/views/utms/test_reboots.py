"""UTM再起動 of the side menu: all plans and results of the tenant."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest

from models import clock
from tests.support.pages import Page, answered

DUE = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
"""03:00 on the next day in Tokyo."""


@pytest.fixture
def reboots(make, operator):
    first = make.utm(customer_row=make.customer(tenant=operator.tenant, name="株式会社あさひ"), name="本社")
    second = make.utm(customer_row=make.customer(tenant=operator.tenant, name="みどり工業"), name="支店")
    make.reboot(due_at=DUE)
    return [
        make.reboot(utm_row=first, due_at=DUE),
        make.reboot(utm_row=second, due_at=DUE + timedelta(days=1), waiting_since=DUE),
        make.reboot(utm_row=second, state="failed", due_at=DUE - timedelta(days=1), message="disk busy"),
    ]


def listed(client, **query) -> Page:
    return Page(client.get("/reboots/", query_string=query).text)


def test_everybody_of_the_tenant_sees_plans_and_results(make, signed_in, operator, reboots):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    page = listed(viewer)

    assert page.column("UTM") == ["支店", "本社", "支店"]
    assert page.column("ステータス") == ["予定", "予定", "失敗"]
    assert page.column("結果") == [
        "オンラインになるのを待機中",
        "-",
        "UTMの復帰を時間内に確認できませんでした。 disk busy",
    ]
    assert "/reboots/" in Page(viewer.get("/").text).links
    assert "/reboots/cancel" not in [each.action for each in page.sendings]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "failed"}, ["支店"]),
        ({"utm_name": "本"}, ["本社"]),
        ({"utm_name": "本　社"}, ["本社"]),
        ({"utm_name": "ｘ"}, []),
        ({"customer_name": "あさひ"}, ["本社"]),
        ({"due_at_from": "2026-12-25", "due_at_to": "2026-12-25"}, ["本社"]),
        ({"due_at_to": "2026-12-24"}, ["支店"]),
    ],
)
def test_they_are_found_by_state_utm_customer_and_period(operator, reboots, query, names):
    assert listed(operator, **query).column("UTM") == names


def test_one_is_found_by_the_id_of_its_utm(operator, reboots):
    typed = "_".join(re.findall("..", reboots[0].utm.utm_id.upper()))

    assert listed(operator, utm_name=reboots[0].utm.utm_id).column("UTM") == ["本社"]
    assert listed(operator, utm_name=typed).column("UTM") == ["本社"]
    assert listed(operator, utm_name=":").column("UTM") == []


def test_plans_are_cancelled_from_it(make, operator, reboots):
    data = {"rowid": [each.id for each in reboots]}

    page = Page(operator.post("/reboots/cancel", data=data, follow_redirects=True).text)

    assert page.column("ステータス") == ["取消済", "取消済", "失敗"]
    assert "再起動予定を取り消しました。" in page.main.text
    assert "通知メールは送信していません" in page.main.text


def test_a_plan_that_became_a_request_meanwhile_is_not_cancelled(make, operator, reboots):
    sent = answered(listed(operator).form_to(f"/reboots/{reboots[0].id}/cancel").sent())
    reboots[0].state, reboots[0].requested_at = "requested", clock.utc_now()
    make.save(reboots[0])

    page = Page(operator.post(f"/reboots/{reboots[0].id}/cancel", data=sent, follow_redirects=True).text)

    assert page.column("ステータス") == ["予定", "要求中", "失敗"]


def test_the_file_has_every_time(operator, reboots):
    answer = operator.get("/reboots/", query_string={"csv": "1"})
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))

    assert rows[2][:6] == ["2026-12-25 03:00:00", reboots[0].utm.utm_id, "本社", *rows[2][3:5], "予定"]
    assert rows[0][-6:] == ["要求日時", "UTMの受信日時", "終了日時", "確認日時", "実行者", "登録日時"]
