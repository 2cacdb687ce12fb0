"""§7.17, §13.1: searching alerts and taking them home."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from models import clock
from models.alerts import export as alert_export
from tests.support.alerts import line, lines

pytestmark = pytest.mark.usefixtures("today")
NOW = datetime(2026, 11, 22, 15, 0, tzinfo=clock.TOKYO)
COLUMNS = (
    "alert_id,time,device_name,type,act,alert_severity,src-ip,src-port,dst-ip,dst-port,src-mac,dst-mac,xff,iif,proto,"
    "L7_proto,virus,vid,file,severity,subject,date,msg,sid,url,cid,gid,app,aid,bid,ctype,cname,atype"
)


@pytest.fixture
def ids(operator, utm):
    """The alert IDs a page of the list shows."""

    def shown(path="", **query):
        page = operator.get(f"/customers/{utm.customer_id}/alerts/{path}", query_string=query).text
        return re.findall(r'data-label="アラートID">([^<]+)<', page)

    return shown


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.TOKYO)


def named(name: str, moment: str, **values) -> bytes:
    return line(at=at(moment), alert_id=name, **values)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["today", "first-day"]),
        ({"unit": "day", "first": "2026-11-22", "last": "2026-11-22"}, ["today"]),
        ({"unit": "day", "first": "2026-10-22", "last": "2026-10-22"}, ["eve"]),
        ({"unit": "day", "first": "2026-11-22", "last": "2026-10-22"}, ["today", "first-day", "eve"]),
        ({"unit": "day", "first": "nonsense", "last": "99999-99-99"}, ["today", "first-day"]),
        ({"unit": "month", "first_month": "2026-10", "last_month": "2026-10"}, ["first-day", "eve", "october"]),
        (
            {"unit": "month", "first_month": "2026-09", "last_month": "2026-11"},
            ["today", "first-day", "eve", "october"],
        ),
        ({"unit": "time", "on": "2026-11-22", "from_time": "00:00", "to_time": "09:30"}, ["today"]),
        ({"unit": "time", "on": "2026-11-22", "from_time": "09:31", "to_time": "23:59"}, []),
    ],
)
def test_a_period_holds_whole_days_months_or_minutes_of_tokyo(utm, send_lines, ids, query, found):
    send_lines(
        utm,
        named("today", "2026-11-22 09:30:59"),
        named("first-day", "2026-10-23 00:00:00"),  # the first of the 31 days that end today
        named("eve", "2026-10-22 23:59:59"),
        named("october", "2026-10-01 00:00:00"),
    )
    assert ids(**query) == found


def test_one_function_or_all_of_them(utm, send_lines, ids):
    functions = ("antivirus", "ips", "web_guard", "url_filter", "app_guard")
    send_lines(utm, *(named(each, "2026-11-22 09:00:00", type=each) for each in functions))

    assert set(ids()) == set(functions)
    for each in functions:
        assert ids(function=each) == [each]
    assert set(ids(function="firewall")) == set(functions)


def test_problems_are_high_alone_and_keep_the_period(operator, utm, send_lines, ids):
    send_lines(
        utm,
        named("high", "2026-11-22 09:00:00", alert_severity="high"),
        named("low", "2026-11-22 09:00:00", alert_severity="low"),
    )
    chosen = {"unit": "month", "first_month": "2026-11", "last_month": "2026-11"}

    page = operator.get(f"/customers/{utm.customer_id}/alerts/", query_string=chosen).text

    assert ids("important") == ["high"]
    assert "alerts/important?unit=month&amp;first_month=2026-11&amp;last_month=2026-11" in page


@pytest.mark.parametrize("sort", ["alert_id", "occurred_at", "utm", "function", "action", "level"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_turn_both_ways_and_lose_nothing(operator, make, utm, send_lines, ids, sort, direction):
    other = make.utm(customer_row=utm.customer, name="支店")
    for each in (utm, other):  # the same IDs at the same second from two UTMs
        send_lines(each, lines(60, at=NOW - timedelta(hours=1), every=timedelta(0)))
    address = f"/customers/{utm.customer_id}/alerts/?sort={sort}&direction={direction}"
    pages, seen = [], []
    while address:
        page = operator.get(address).text
        pages.append(re.findall(r'id="alert-(\d+)"', page))
        seen += pages[-1]
        following = re.search(r'class="btn[^"]*" href="(\?[^"#]*after=[^"#]*)"', page)
        address = f"/customers/{utm.customer_id}/alerts/{following[1].replace('&amp;', '&')}" if following else None
    before = re.search(r'class="btn[^"]*" href="(\?[^"#]*before=[^"#]*)"', page)[1].replace("&amp;", "&")

    back = re.findall(r'id="alert-(\d+)"', operator.get(f"/customers/{utm.customer_id}/alerts/{before}").text)

    assert (len(seen), len(set(seen))) == (120, 120)
    assert [len(each) for each in pages] == [50, 50, 20]
    assert back == pages[1]
    assert f'aria-sort="{"ascending" if direction == "asc" else "descending"}"' in page


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (
            {"type": "antivirus", "virus": "EICAR", "file": "a.zip", "subject": "件", "severity": "5", "vid": "7"},
            [
                "アプリケーションプロトコル",
                "ウィルス",
                "ウィルスID",
                "ファイル名",
                "ウィルス深刻度",
                "メールタイトル",
                "メールヘッダDate",
            ],
        ),
        ({"type": "ips", "msg": "走査", "sid": "2001219"}, ["脅威名", "脅威ID"]),
        ({"type": "web_guard", "url": "http://a.example/"}, ["URL"]),
        (
            {"type": "url_filter", "url": "http://a.example/", "ctype": "c", "cname": "n", "cid": "1"},
            ["URL", "カテゴリ種別", "カテゴリ名", "カテゴリID"],
        ),
        (
            {"type": "app_guard", "app": "x", "aid": "1", "atype": "t"},
            ["アプリケーション種別", "アプリケーション名", "アプリケーションID"],
        ),
    ],
)
def test_an_opened_row_has_the_part_of_its_function(operator, utm, send_lines, values, labels):
    send_lines(utm, named("one", "2026-11-22 09:00:00", xff="10.9.8.7", **values))

    page = operator.get(f"/customers/{utm.customer_id}/alerts/?open=1").text

    titles = [re.sub(r"\s", "", each) for each in re.findall(r'class="datagrid-title">([^<]+)<', page)]
    common = [
        "アラートID",
        "UTM名",
        "送信元IPアドレス",
        "送信元ポート番号",
        "宛先IPアドレス",
        "宛先ポート番号",
        "X-Forwarded-For",
        "トランスポートプロトコル",
    ]
    assert titles == common + labels
    assert all(str(value) in page for key, value in values.items() if key != "type")


def test_a_removed_utms_alerts_are_shown_as_such_and_not_downloaded(operator, make, utm, send_lines):
    gone = make.utm(customer_row=utm.customer, name="旧本社", removed_at=NOW)
    send_lines(gone, named("old", "2026-11-01 09:00:00"))

    page = operator.get(f"/customers/{utm.customer_id}/alerts/").text
    answer = operator.post(f"/customers/{utm.customer_id}/alerts/download", data={"utm": gone.id})

    assert "旧本社" in page
    assert "削除済み" in page
    back = f"/customers/{utm.customer_id}/alerts/?choose=1&picked={gone.id}"
    assert (answer.status_code, answer.location) == (302, back)
    assert "旧本社: 選択中に削除されたため、ダウンロードできません。" in operator.get(answer.location).text


def test_of_many_that_were_removed_a_few_are_named(operator, make, utm):
    gone = [make.utm(customer_row=utm.customer, name=f"{number}" * 50, removed_at=NOW) for number in range(5)]

    answer = operator.post(
        f"/customers/{utm.customer_id}/alerts/download", data={"utm": [each.id for each in gone]}, follow_redirects=True
    )

    assert f"{'0' * 50}, {'1' * 50}, {'2' * 50} ほか2台: 選択中に削除されたため、" in answer.text


def test_a_utm_removed_while_the_dialog_is_open_is_told_in_the_dialog(operator, make, utm):
    gone = make.utm(customer_row=utm.customer, name="旧本社", removed_at=NOW)
    make.utm(customer_row=utm.customer)
    page = f"/customers/{utm.customer_id}/alerts/important?unit=month&first_month=2026-11&last_month=2026-11"

    answer = operator.post(
        f"/customers/{utm.customer_id}/alerts/download",
        data={"utm": [utm.id, gone.id]},
        headers={"Referer": f"http://localhost{page}&choose=1"},
    )

    assert answer.location == f"{page}&choose=1&picked={utm.id}&picked={gone.id}"
    assert "<dialog" in operator.get(answer.location).text


def download(client, of, /, **form):
    answer = client.post(f"/customers/{of.customer_id}/alerts/download", data=form)
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    return answer, {name: archive.read(name) for name in archive.namelist()}


def test_who_has_one_utm_is_told_beside_the_button_what_a_download_holds(operator, utm):
    """§7.17 ※"""
    plain = operator.get(f"/customers/{utm.customer_id}/alerts/").text
    narrowed = operator.get(f"/customers/{utm.customer_id}/alerts/?function=ips").text

    assert ("最新10万件まで" in plain, "フィルタを解除します" in plain) == (True, False)
    assert ("最新10万件まで" in narrowed, "フィルタを解除します" in narrowed) == (True, True)


def test_a_download_holds_the_33_columns_and_every_function(operator, utm, send_lines):
    send_lines(
        utm,
        named(
            "b", "2026-11-22 09:00:01", type="url_filter", act="block", alert_severity="high", url="http://a.example/"
        ),
        named("a", "2026-11-22 09:00:00", msg='引用"符, 改\n行'),
    )

    answer, files = download(operator, utm, utm=utm.id, function="ips")

    assert answer.headers["Content-Disposition"].endswith('"alerts_a1b2c3d4e5f6_20261023_20261122.zip"')
    (content,) = files.values()
    assert list(files) == ["alerts_a1b2c3d4e5f6_20261023_20261122.csv"]
    assert content.startswith(b"\xef\xbb\xbf" + COLUMNS.encode() + b"\r\n")
    assert content.endswith(b"\r\n")
    first, second = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert [first[name] for name in ("alert_id", "time", "device_name", "type", "act", "alert_severity", "url")] == [
        "b",
        "2026/11/22 09:00:01",
        "本社",
        "URLフィルタリング",
        "Block",
        "High",
        "http://a.example/",
    ]
    assert (second["msg"], second["src-ip"], second["src-port"]) == ('引用"符, 改\n行', "192.168.10.24", "51844")


def test_the_times_in_a_zip_are_those_of_tokyo_wherever_the_machine_is(operator, utm):
    with time_machine.travel(NOW.astimezone(ZoneInfo("America/New_York")), tick=False):
        answer, _ = download(operator, utm, utm=utm.id)

    (member,) = zipfile.ZipFile(io.BytesIO(answer.data)).infolist()
    assert member.date_time == (2026, 11, 22, 15, 0, 0)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_a_cell_a_spreadsheet_would_run_is_made_harmless(operator, utm, send_lines, start):
    send_lines(utm, named("one", "2026-11-22 09:00:00", msg=f"{start}cmd|' /C calc'!A0", subject="件名 = 1"))

    _, files = download(operator, utm, utm=utm.id)

    (row,) = csv.DictReader(io.StringIO(next(iter(files.values())).decode("utf-8-sig"), newline=""))
    assert row["msg"].startswith("'" + start)
    assert row["subject"] == "件名 = 1"


def test_a_file_holds_the_newest_of_the_period(operator, utm, send_lines, monkeypatch):
    monkeypatch.setattr(alert_export, "NEWEST", 3)
    send_lines(utm, lines(10, at=NOW - timedelta(hours=1)))

    _, files = download(operator, utm, utm=utm.id)

    rows = list(csv.DictReader(io.StringIO(next(iter(files.values())).decode("utf-8-sig"))))
    assert [row["time"] for row in rows] == ["2026/11/22 14:00:00", "2026/11/22 13:59:59", "2026/11/22 13:59:58"]


def test_each_chosen_utm_has_its_file(operator, make, utm, send_lines):
    other = make.utm(customer_row=utm.customer, utm_id="b1b2c3d4e5f6")
    send_lines(utm, lines(2, at=NOW))
    send_lines(other, lines(3, at=NOW))

    answer, files = download(operator, utm, utm=[utm.id, other.id], unit="day", first="2026-11-22", last="2026-11-22")

    assert f"alerts_{utm.customer_id}_20261122_20261122.zip" in answer.headers["Content-Disposition"]
    assert {name: content.count(b"\r\n") for name, content in files.items()} == {
        "alerts_a1b2c3d4e5f6_20261122_20261122.csv": 3,
        "alerts_b1b2c3d4e5f6_20261122_20261122.csv": 4,
    }


@pytest.mark.parametrize("keys", [["abc"], ["0"], ["9" * 30], [str(number) for number in range(1, 102)]])
def test_a_choice_that_is_none_is_not_found(operator, utm, keys):
    assert operator.post(f"/customers/{utm.customer_id}/alerts/download", data={"utm": keys}).status_code == 404


def test_a_viewer_may_download(make, signed_in, utm, operator, send_lines):
    viewer = signed_in(make.member(operator.tenant, "Partner Viewer"), operator.tenant)

    answer, files = download(viewer, utm, utm=utm.id)

    assert (answer.status_code, len(files)) == (200, 1)


def test_what_is_sent_and_typed_is_written_as_text(operator, make, utm, send_lines):
    nasty = """"><b a='1'>&amp;%s</b>"""
    written = "&#34;&gt;&lt;b a=&#39;1&#39;&gt;&amp;amp;%s&lt;/b&gt;"
    utm.name = nasty
    make.session.commit()
    send_lines(utm, named(nasty, "2026-11-22 10:00:00", act=nasty, type="ips", msg=nasty))
    path = f"/customers/{utm.customer_id}/alerts/"
    key = re.search(r'id="alert-(\d+)"', operator.get(path).text)[1]

    page = operator.get(path, query_string={"open": key, "threat": nasty, nasty: nasty}).text

    assert f'data-label="アラートID">{written}</td>' in page
    assert f'data-label="UTM名">{written}</td>' in page
    assert page.count(f">{written}</td>") == 3
    assert f'value="{written}"' in page
    assert "threat=%22%3E%3Cb+a%3D%271%27%3E%26amp%3B%25s%3C%2Fb%3E&amp;" in page
    assert "<b a" not in page


@pytest.mark.parametrize(
    ("query", "name", "told"),
    [
        ("first=2026-11-01&last=20261-11-26", "last", "2000年から2100年までの日付を入力してください。"),
        ("unit=month&first_month=9999-12", "first_month", "2000年から2100年までの年月を入力してください。"),
        ("unit=time&on=2026-11-01&from_time=22:00&to_time=06:00", "to_time", "終了時刻が開始時刻より前のため、"),
        ("unit=time&on=2026-11-01&from_time=<b>", "from_time", "時刻を「時:分」で入力してください。"),
    ],
)
def test_a_wrong_end_of_a_period_is_told_beside_its_field(operator, utm, query, name, told):
    page = operator.get(f"/customers/{utm.customer_id}/alerts/?{query}").text

    assert f'id="{name}-error">{told}この条件は検索から除きました。' in page
    assert re.search(rf'id="{name}"[^>]*aria-invalid="true" aria-describedby="{name}-error"', page)
    assert page.count("aria-invalid") == 1
    assert "<b>" not in page


def test_an_empty_list_advises_to_take_off_conditions_where_there_are_some(operator, utm):
    list_url = f"/customers/{utm.customer_id}/alerts/"

    assert "検索条件を外して" not in operator.get(list_url).text
    assert "検索条件を外して" in operator.get(f"{list_url}?action=drop").text
    assert "検索条件を外して" in operator.get(f"{list_url}?function=ips").text
