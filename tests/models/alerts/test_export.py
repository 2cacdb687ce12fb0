"""§13.1: the file a person takes home, byte by byte."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from models import csv_copy
from models.alerts import export as alert_export
from models.alerts.search import AlertQuery
from tests.support.alerts import line, lines

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
COLUMNS = [
    "alert_id",
    "time",
    "device_name",
    "type",
    "act",
    "alert_severity",
    "src-ip",
    "src-port",
    "dst-ip",
    "dst-port",
    "src-mac",
    "dst-mac",
    "xff",
    "iif",
    "proto",
    "L7_proto",
    "virus",
    "vid",
    "file",
    "severity",
    "subject",
    "date",
    "msg",
    "sid",
    "url",
    "cid",
    "gid",
    "app",
    "aid",
    "bid",
    "ctype",
    "cname",
    "atype",
]
TEXTS = COLUMNS[10:]


@pytest.fixture
def export(in_tenant, ours):
    """The bytes of our UTM's file."""

    def written(**conditions) -> bytes:
        values = {"start": NOW - timedelta(days=31), "end": NOW + timedelta(days=1), "utm_id": ours.utm.id}
        with in_tenant(ours.tenant_id) as session:
            query = AlertQuery(**{"customer_id": ours.customer.id} | values | conditions)
            return b"".join(alert_export.csv_blocks(session, query, ours.utm.name))

    return written


@pytest.fixture
def rows(export):
    """The rows of our UTM's file, as a spreadsheet reads them."""

    def read(**conditions) -> list[dict[str, str]]:
        text = export(**conditions).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))

    return read


def test_a_file_without_alerts_is_a_byte_order_mark_and_the_33_columns(export):
    assert export() == b"\xef\xbb\xbf" + ",".join(COLUMNS).encode() + b"\r\n"
    assert len(COLUMNS) == 33


def test_a_row_reads_as_the_manual_says(ours, arrive, export):
    values = {"type": "url_filter", "act": "pass", "alert_severity": "high", "url": "http://a.example/", "cid": 31}
    arrive(ours.utm, [(1, line(at=NOW, alert_id="1795316400-1", **values))])

    assert export().split(b"\r\n")[1:] == [
        "1795316400-1,2026/11/22 12:00:00,ours,URLフィルタリング,Pass,High,192.168.10.24,51844,203.0.113.8,443,"
        ",,,,TCP,,,,,,,,,,http://a.example/,31,,,,,,,".encode(),
        b"",
    ]


def test_every_value_stands_under_its_name(ours, arrive, rows):
    values = {name: f"value of {name}" for name in TEXTS}
    ends = {"src-ip": "2001:db8::1", "src-port": 0, "dst-ip": "203.0.113.8", "dst-port": 65535}
    arrive(ours.utm, [(1, line(at=NOW, alert_id="1-1", **values, **ends))])

    assert rows() == [
        {
            "alert_id": "1-1",
            "time": "2026/11/22 12:00:00",
            "device_name": "ours",
            "type": "IPS",
            "act": "Pass",
            "alert_severity": "Low",
            "src-ip": "2001:db8::1",
            "src-port": "0",
            "dst-ip": "203.0.113.8",
            "dst-port": "65535",
            **values,
        }
    ]


@pytest.mark.parametrize(
    ("sent", "column", "shown"),
    [
        ({"type": "antivirus"}, "type", "アンチウィルス"),
        ({"type": "ips"}, "type", "IPS"),
        ({"type": "web_guard"}, "type", "Webガード"),
        ({"type": "url_filter"}, "type", "URLフィルタリング"),
        ({"type": "app_guard"}, "type", "アプリケーションガード"),
        ({"act": "pass"}, "act", "Pass"),
        ({"act": "block"}, "act", "Block"),
        ({"act": "reset"}, "act", "reset"),
        ({"alert_severity": "high"}, "alert_severity", "High"),
        ({"alert_severity": "low"}, "alert_severity", "Low"),
        ({"alert_severity": None}, "alert_severity", "Low"),
    ],
)
def test_values_are_shown_by_their_labels(ours, arrive, rows, sent, column, shown):
    arrive(ours.utm, [(1, line(at=NOW, **sent))])

    assert rows()[0][column] == shown


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 11, 21, 14, 59, 59, 999999, tzinfo=UTC), "2026/11/21 23:59:59"),
        (datetime(2026, 11, 21, 15, 0, tzinfo=UTC), "2026/11/22 00:00:00"),
    ],
)
def test_times_are_in_tokyo_to_the_second(ours, arrive, rows, at, shown):
    arrive(ours.utm, [(1, line(at=at))])

    assert rows()[0]["time"] == shown


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_a_spreadsheet_would_run_is_made_harmless_in_every_column(ours, arrive, rows, start):
    names = ["alert_id", "act", *TEXTS]
    arrive(ours.utm, [(1, line(at=NOW, **dict.fromkeys(names, f"{start}1+1")))])

    (row,) = rows()
    assert {name: row[name] for name in names} == dict.fromkeys(names, f"'{start}1+1")


@pytest.mark.parametrize("blanks", [" ", "   ", "\u3000", "\u00a0", " \t", "\u2003\u3000 "])
def test_blanks_before_it_do_not_let_a_spreadsheet_run_a_cell(ours, arrive, rows, blanks):
    for number, start in enumerate("=+-@＝＋－＠"):
        arrive(ours.utm, [(1, line(number, at=NOW, msg=f"{blanks}{start}1+1"))])

    assert {row["msg"] for row in rows()} == {f"'{blanks}{start}1+1" for start in "=+-@＝＋－＠"}


def test_the_name_of_a_utm_is_made_harmless_too(make, ours, arrive, rows):
    make.session.merge(ours.utm).name = "=1+1"
    make.session.commit()
    arrive(ours.utm, lines(1, at=NOW))

    assert rows()[0]["device_name"] == "'=1+1"


@pytest.mark.parametrize(
    "value",
    [
        "a=1",
        " a=1",
        " ",
        "1-1",
        "'=1",
        "a\n=1",
        'a"b',
        "a,b",
        "a\r\nb",
        "\\.",
        "\\N",
        '"',
        ",",
        "日本語、😀",
        "a" * 512,
        "%s {0} :x",
    ],
)
def test_any_other_cell_is_as_it_was_sent(ours, arrive, rows, value):
    arrive(ours.utm, [(1, line(at=NOW, msg=value, app="after"))])

    assert [(row["msg"], row["app"]) for row in rows()] == [(value, "after")]


def test_lines_end_in_cr_lf_even_where_a_cell_holds_a_line_break(ours, arrive, export):
    arrive(ours.utm, [(1, line(1, at=NOW, msg="a\nb")), (2, line(2, at=NOW))])

    assert export().count(b"\r\n") == 3


def test_the_newest_stand_first(ours, arrive, rows):
    arrive(ours.utm, [(number, line(number, at=NOW - timedelta(hours=hour))) for number, hour in enumerate((2, 0, 1))])

    assert [row["time"] for row in rows()] == ["2026/11/22 12:00:00", "2026/11/22 11:00:00", "2026/11/22 10:00:00"]


def test_a_file_holds_the_newest_alone_when_there_are_too_many(monkeypatch, ours, arrive, rows):
    monkeypatch.setattr(alert_export, "NEWEST", 2)
    arrive(ours.utm, lines(5, at=NOW))

    assert [row["time"] for row in rows()] == ["2026/11/22 12:00:00", "2026/11/22 11:59:59"]


def test_a_hundred_thousand_alerts_are_the_most():
    assert alert_export.NEWEST == 100_000


def test_a_period_has_its_first_moment_and_not_its_last(ours, arrive, rows):
    arrive(ours.utm, [(1, line(1, at=NOW - timedelta(hours=1))), (2, line(2, at=NOW))])

    assert [row["time"] for row in rows(start=NOW - timedelta(hours=1), end=NOW)] == ["2026/11/22 11:00:00"]


def test_another_utms_alerts_are_not_in_the_file(make, ours, theirs, arrive, rows):
    beside = make.utm(customer_row=ours.customer)
    for each in (beside, theirs.utm):
        arrive(each, lines(1, at=NOW))

    assert rows() == []
    assert rows(utm_id=theirs.utm.id) == rows(customer_id=theirs.customer.id, utm_id=theirs.utm.id) == []


def test_a_long_file_comes_in_blocks(monkeypatch, in_tenant, ours, arrive):
    monkeypatch.setattr(csv_copy, "_BLOCK_BYTES", 1_000)
    arrive(ours.utm, lines(50, at=NOW))

    with in_tenant(ours.tenant_id) as session:
        query = AlertQuery(ours.customer.id, NOW - timedelta(days=1), NOW + timedelta(days=1), utm_id=ours.utm.id)
        blocks = list(alert_export.csv_blocks(session, query, ours.utm.name))

    assert len(blocks) > 3
    assert all(block.endswith(b"\r\n") for block in blocks)
    assert b"".join(blocks).count(b"\r\n") == 51
