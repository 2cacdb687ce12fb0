"""Conversion of EVE records to alert lines: security function, columns and ID."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.shipper.adapters.adapter import ConversionError
from app.shipper.adapters.eve import EveReader
from app.shipper.adapters.suricata import SURICATA, event_time, security_function
from app.shipper.converter import Converter

SAMPLES = Path(__file__).parents[3] / "samples"
HEADER = (
    "alert_id,time,device_name,type,act,alert_severity,src-ip,src-port,dst-ip,dst-port,src-mac,dst-mac,xff,iif,proto,L7_proto,"
    "virus,vid,file,severity,subject,date,msg,sid,url,cid,gid,app,aid,bid,ctype,cname,atype"
)
COLUMNS = set(next(csv.reader([HEADER])))
HTTP = {"http": {"hostname": "www.example", "url": "/a?b=1"}, "app_proto": "http"}
TLS = {"tls": {"sni": "mail.example", "version": "TLS 1.2"}, "app_proto": "tls"}


def record(signature: str = "ET SCAN Potential SSH Scan", /, **more: Any) -> dict[str, Any]:
    """Return an alert record; ``category``, ``metadata``, ``severity`` and ``action`` belong to its alert object."""
    inner = {key: more.pop(key) for key in ("category", "metadata", "severity", "action") if key in more}
    alert = {
        "action": "allowed",
        "gid": 1,
        "signature_id": 2001219,
        "rev": 20,
        "signature": signature,
        "severity": 2,
    } | inner
    base = {
        "timestamp": "2026-11-22T09:00:00.123456+0900",
        "event_type": "alert",
        "src_ip": "192.168.1.2",
        "proto": "TCP",
    }
    return base | {"alert": alert} | more


def line_of(data: dict[str, Any], **options: Any) -> dict[str, Any]:
    line = Converter(SURICATA, **options).convert(data)
    assert line is not None
    return line


def lines_of(name: str, **options: Any) -> list[dict[str, Any]]:
    converter = Converter(SURICATA, **options)
    return [line for data in EveReader(SAMPLES / name) if (line := converter.convert(data)) is not None]


@pytest.mark.parametrize(
    ("name", "types", "levels", "first", "last"),
    [
        (
            "honeypot-2018.alerts.json",
            {"ips": 43, "app_guard": 1},
            {"low": 44},
            "2019-01-02T03:50:09.097718",
            "2019-01-02T06:50:05.309314",
        ),
        (
            "wrccdc-2017.alerts.json",
            {"ips": 110, "app_guard": 44, "web_guard": 7},
            {"high": 56, "low": 105},
            "2017-03-24T17:15:38.559701",
            "2017-03-25T23:10:07.667362",
        ),
        (
            "josevnz_eve_large.jsonl.gz",
            {"ips": 1794},
            {"high": 43, "low": 1751},
            "2023-09-02T21:02:08.288432",
            "2023-09-05T06:48:07.408311",
        ),
    ],
)
def test_the_samples_become_lines(
    name: str, types: dict[str, int], levels: dict[str, int], first: str, last: str
) -> None:
    lines = lines_of(name)

    assert Counter(line["type"] for line in lines) == types
    assert Counter(line["alert_severity"] for line in lines) == levels
    assert Counter(line["act"] for line in lines) == {"pass": sum(types.values())}
    assert min(line["time"] for line in lines) == f"{first}+00:00"
    assert max(line["time"] for line in lines) == f"{last}+00:00"
    assert len({line["alert_id"] for line in lines}) == sum(types.values()), "every ID once"
    assert {key for line in lines for key in line if not key.startswith("suricata_")} <= COLUMNS
    assert lines_of(name) == lines, "a second run gives the same lines"


def test_one_line_in_full() -> None:
    data = json.loads(
        '{"timestamp":"2023-09-03T00:02:08.288432+0300","flow_id":1566892700493488,"in_iface":"ens18","event_type":"alert",'
        '"src_ip":"180.101.88.221","src_port":38163,"dest_ip":"192.168.55.199","dest_port":22,"proto":"TCP","community_id":"1:f3U=",'
        '"ether":{"src_mac":"02:00:00:00:00:01","dest_mac":"02:00:00:00:00:02"},"xff":"198.51.100.7","app_proto":"ssh","host":"sensor-1",'
        '"alert":{"action":"blocked","gid":1,"signature_id":2001219,"rev":20,"signature":"ET SCAN Potential SSH Scan",'
        '"category":"Attempted Information Leak","severity":1,"metadata":{"created_at":["2010_07_30"]}}}'
    )
    line = line_of(data)

    assert line.pop("alert_id").startswith("1693688528-")
    assert line == {
        "time": "2023-09-02T21:02:08.288432+00:00",
        "type": "ips",
        "act": "block",
        "alert_severity": "high",
        "src-ip": "180.101.88.221",
        "src-port": 38163,
        "dst-ip": "192.168.55.199",
        "dst-port": 22,
        "src-mac": "02:00:00:00:00:01",
        "dst-mac": "02:00:00:00:00:02",
        "xff": "198.51.100.7",
        "iif": "ens18",
        "proto": "TCP",
        "L7_proto": "ssh",
        "msg": "ET SCAN Potential SSH Scan",
        "sid": "2001219",
        "gid": "1",
        "suricata_category": "Attempted Information Leak",
        "suricata_severity": 1,
        "suricata_flow_id": "1566892700493488",
        "suricata_community_id": "1:f3U=",
        "suricata_host": "sensor-1",
    }


@pytest.mark.parametrize("kind", ["http", "tls", "flow", "fileinfo", "drop", "", None, 7])
def test_only_alerts_become_lines(kind: Any) -> None:
    assert Converter(SURICATA).convert(record() | {"event_type": kind}) is None


FILE = {"fileinfo": {"filename": "/a/eicar.com", "state": "CLOSED"}}
MAGIC = {"fileinfo": {"filename": "/a/eicar.com", "magic": "PE32 executable"}}


@pytest.mark.parametrize(
    ("expected", "data"),
    [
        # antivirus: a file with a magic or a virus name
        ("antivirus", record("ET INFO Executable download", **HTTP, **MAGIC)),
        ("antivirus", record("Local rule", **HTTP, files=[{"filename": "a", "magic": "PDF document"}])),
        ("antivirus", record("ET MALWARE Win32/Invented Download", **HTTP, **FILE)),
        ("antivirus", record("ET TROJAN Invented", app_proto="smtp", **FILE)),
        ("antivirus", record("Local rule", metadata={"malware_family": ["Invented"]}, **FILE)),
        ("ips", record("ET MALWARE Suspicious User-Agent", **HTTP)),  # no file
        (
            "ips",
            record("ET EXPLOIT Path Traversal", **HTTP, files=[{"filename": "/bin/sh"}]),
        ),  # neither magic nor virus
        ("ips", record("ET TROJAN Invented", fileinfo={}, files=[])),
        # url_filter: http and a rule on a category of URLs
        ("url_filter", record("Local rule", metadata={"url_category": ["gambling"]}, **HTTP)),
        ("url_filter", record("URL category: gambling", **HTTP)),
        ("url_filter", record("Local rule", category="URL Filter", **HTTP)),
        ("url_filter", record("ET INAPPROPRIATE Invented site", **HTTP)),
        ("ips", record("URL category: gambling", **TLS)),  # of TLS the URL is not known
        # web_guard: http or tls and a rule that protects who opens a page
        ("web_guard", record("ET WEB_CLIENT Obfuscated script", **HTTP)),
        ("web_guard", record("ET PHISHING Invented bank", **TLS)),
        ("web_guard", record("ETPRO EXPLOIT_KIT Invented", **HTTP)),
        ("web_guard", record("Local rule", metadata={"former_category": ["PHISHING"]}, **TLS)),
        ("web_guard", record("Local rule", category="Possible Social Engineering Attempted", **HTTP)),
        ("web_guard", record("ET INAPPROPRIATE Invented site", **TLS)),
        ("ips", record("ET WEB_CLIENT Obfuscated script")),  # no http
        ("ips", record("ET WEB_SERVER Admin page access", **HTTP)),  # an attack on a server
        ("ips", record("ET WEB_SPECIFIC_APPS OGNL injection", **HTTP)),
        # app_guard: a known protocol and a rule on what people may use
        ("app_guard", record("ET POLICY Invented client", app_proto="tls")),
        ("app_guard", record("ET CHAT IRC JOIN command", app_proto="irc")),
        ("app_guard", record("ET P2P BitTorrent announce", app_proto="bittorrent-dht")),
        ("app_guard", record("ET GAMES Invented login", app_proto="http")),
        ("app_guard", record("GPL CHAT Logon", **HTTP)),
        ("app_guard", record("ET POLICY Old version without app_proto", http={"hostname": "a.example"})),
        ("ips", record("ET P2P BitTorrent DHT ping", app_proto="failed")),
        ("ips", record("ET POLICY Cisco Device in Config Mode")),
        # ips: all others
        ("ips", record("ET SCAN Potential SSH Scan", app_proto="ssh")),
        ("ips", record("SURICATA TLS invalid record type", **TLS)),
        ("ips", record("", **HTTP)),
        ("ips", record() | {"alert": {}}),
    ],
)
def test_the_security_function_is_chosen_by_the_table(expected: str, data: dict[str, Any]) -> None:
    assert security_function(data) == expected


def test_an_antivirus_line_says_what_was_found_where() -> None:
    email = {"subject": "請求書のご送付", "date": "Sun, 22 Nov 2026 09:00:00 +0900", "from": "a@b.example"}
    metadata = {"malware_family": ["Invented_A"], "signature_severity": ["Major"]}
    line = line_of(record("ET MALWARE Invented.A Download", app_proto="smtp", email=email, metadata=metadata, **MAGIC))

    assert {
        key: line[key] for key in ("type", "virus", "vid", "file", "severity", "subject", "date", "suricata_magic")
    } == {
        "type": "antivirus",
        "virus": "Invented_A",
        "vid": "2001219",
        "file": "/a/eicar.com",
        "severity": "Major",
        "subject": "請求書のご送付",
        "date": "Sun, 22 Nov 2026 09:00:00 +0900",
        "suricata_magic": "PE32 executable",
    }
    assert line_of(record("ET MALWARE Invented.A Download", **FILE))["virus"] == "Invented.A Download"


def test_a_url_filter_line_says_the_category() -> None:
    line = line_of(
        record("ET INAPPROPRIATE Site", metadata={"url_category": ["ギャンブル"], "url_category_id": ["101"]}, **HTTP)
    )

    assert (line["ctype"], line["cname"], line["cid"], line["url"]) == (
        "INAPPROPRIATE",
        "ギャンブル",
        "101",
        "www.example/a?b=1",
    )


def test_an_app_guard_line_says_the_application() -> None:
    line = line_of(record("ET P2P BitTorrent announce", app_proto="bittorrent-dht"))

    assert (line["app"], line["aid"], line["atype"], line["L7_proto"]) == (
        "BitTorrent announce",
        "2001219",
        "P2P",
        "bittorrent-dht",
    )


@pytest.mark.parametrize(
    ("http", "url"),
    [
        ({"hostname": "a.example", "url": "/x"}, "a.example/x"),
        ({"hostname": "a.example"}, "a.example"),
        ({"hostname": "a.example", "url": "http://b.example/x"}, "http://b.example/x"),
        ({"url": "/x"}, "/x"),
        ({}, None),
        ({"hostname": 7, "url": ["/x"]}, None),
    ],
)
def test_the_url_is_host_and_path(http: dict[str, Any], url: str | None) -> None:
    assert line_of(record(http=http)).get("url") == url


def test_of_tls_the_url_is_the_server_name() -> None:
    assert line_of(record(**TLS))["url"] == "mail.example"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T09:00:00.123456", datetime(2026, 11, 22, 9, 0, 0, 123456, UTC)),
        ("2026-11-22T09:00:00.123456+0300", datetime(2026, 11, 22, 6, 0, 0, 123456, UTC)),
        ("2026-11-22T09:00:00.123456-0600", datetime(2026, 11, 22, 15, 0, 0, 123456, UTC)),
        ("2026-11-22T09:00:00-00:00", datetime(2026, 11, 22, 9, 0, 0, 0, UTC)),
        ("2026-11-22T09:00:00Z", datetime(2026, 11, 22, 9, 0, 0, 0, UTC)),
        ("2026-11-22 09:00:00.123456789+09:00", datetime(2026, 11, 22, 0, 0, 0, 123456, UTC)),
    ],
)
def test_times_are_read_with_and_without_a_zone(text: str, expected: datetime) -> None:
    assert event_time({"timestamp": text}) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026-11-22",
        "2026-13-01T00:00:00",
        "0001-01-01T00:00:00+2300",
        1700000000,
        "20261122T000000",
    ],
)
def test_a_time_that_cannot_be_read_is_refused(text: Any) -> None:
    with pytest.raises(ConversionError, match="no valid timestamp"):
        Converter(SURICATA).convert(record() | {"timestamp": text})


@pytest.mark.parametrize("alert", [None, [], "x"])
def test_an_alert_without_its_part_is_refused(alert: Any) -> None:
    with pytest.raises(ConversionError, match="an alert without the alert object"):
        Converter(SURICATA).convert(record() | {"alert": alert})


@pytest.mark.parametrize(
    ("action", "act"),
    [
        ("allowed", "pass"),
        ("blocked", "block"),
        ("rejected", "rejected"),
        (None, "unknown"),
        ("", "unknown"),
        ("x" * 99, "x" * 32),
    ],
)
def test_the_action(action: Any, act: str) -> None:
    assert line_of(record(action=action))["act"] == act


@pytest.mark.parametrize(
    ("severity", "level"), [(1, "high"), ("1", "high"), (2, "low"), (3, "low"), (None, "low"), ([], "low")]
)
def test_severity_one_is_high(severity: Any, level: str) -> None:
    assert line_of(record(severity=severity))["alert_severity"] == level


def test_fields_of_the_wrong_type_are_left_out() -> None:
    line = line_of(
        record(
            src_port=70000,
            dest_port="22",
            app_proto=["x"],
            in_iface={"a": 1},
            xff=True,
            ether="x",
            fileinfo=7,
            files={"a": 1},
        )
    )

    assert {"src-port", "dst-port", "L7_proto", "iif", "xff", "src-mac", "file"} & line.keys() == set()


def test_identical_records_are_two_alerts_and_spelling_makes_none() -> None:
    converter = Converter(SURICATA)
    first, second, third = (
        converter.convert(data) for data in (record(), dict(reversed(record().items())), record(proto="UDP"))
    )
    assert first
    assert second
    assert third
    assert len({line["alert_id"] for line in (first, second, third)}) == 3
    assert first | {"alert_id": ""} == second | {"alert_id": ""}

    again = Converter(SURICATA)
    assert [again.convert(record()), again.convert(record())] == [first, second]


def test_the_ids_are_fixed() -> None:
    """If they changed, the portal would store logs that are sent again a second time."""
    converter = Converter(SURICATA)

    assert [converter.convert(record())["alert_id"] for _ in range(2)] == [  # type: ignore[index]
        "1795305600-131754156359019",
        "1795305600-7947356506266",
    ]


def test_a_shift_moves_the_time_and_keeps_the_id() -> None:
    plain, moved = line_of(record()), line_of(record(), shift=timedelta(days=365, microseconds=1))

    assert plain["time"] == "2026-11-22T00:00:00.123456+00:00"
    assert moved["time"] == "2027-11-22T00:00:00.123457+00:00"
    assert moved["alert_id"] == plain["alert_id"]
    with pytest.raises(ConversionError):
        Converter(SURICATA, timedelta(days=3_000_000)).convert(record())


def test_a_record_nested_too_deeply_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(2000):
        deep = {"a": deep}

    with pytest.raises(ConversionError, match="nested too deeply"):
        Converter(SURICATA).convert(record(deep=deep))


def test_the_memory_for_identical_records_is_bounded() -> None:
    converter = Converter(SURICATA, remembered=10)
    ids = [converter.convert(record(flow_id=number))["alert_id"] for number in range(1000)]  # type: ignore[index]

    assert len(set(ids)) == 1000
    assert len(converter._seen) == 10
