"""Texts that an attacker controls: the alert is sent and stored whatever they contain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text as sql

from app.shipper.adapters.suricata import SURICATA
from app.shipper.command import utm
from app.shipper.converter import Converter
from models import clock
from models.actor import SYSTEM
from models.utms import device_token
from tests.app.shipper.eve_records import alert, text_of


def line_of(**more: Any) -> dict[str, Any]:
    """Return the alert line of a record with these fields; ``alert`` holds those of its alert object."""
    record = alert(1)
    line = Converter(SURICATA).convert(record | more | {"alert": record["alert"] | more.get("alert", {})})
    assert line is not None
    return line


def test_long_texts_are_cut_and_what_no_database_holds_is_replaced() -> None:
    line = line_of(
        alert={"signature": "ET SCAN " + "字" * 1000},
        http={"hostname": "a.example", "url": "/" + "u" * 5000},
        in_iface="i" * 300,
        proto="T\x00C\ud800P",
    )

    assert (len(line["msg"]), len(line["url"]), len(line["iif"])) == (512, 2048, 255)
    assert line["proto"] == "T\N{REPLACEMENT CHARACTER}C\N{REPLACEMENT CHARACTER}P"
    assert len(json.dumps(line, ensure_ascii=False).encode("utf-8")) < 65_536


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x01\x1b[31mb\x7f\x85c", "a[31mbc"),
        ("a\r\n\tb", "a b"),
        ("\x00", "\N{REPLACEMENT CHARACTER}"),
        ("\udcffa\ud800", "\N{REPLACEMENT CHARACTER}a\N{REPLACEMENT CHARACTER}"),
        ("\x01 \x02", None),
        ("\x01 a", "a"),
        ("x" * 600 + "\x01", "x" * 512),
        ("😀", "😀"),
    ],
)
def test_control_characters_are_left_out_and_others_that_cannot_be_stored_replaced(
    text: str, expected: str | None
) -> None:
    assert line_of(alert={"signature": text}).get("msg") == expected


def test_an_action_of_control_characters_is_unknown() -> None:
    assert line_of(alert={"action": "\x01 \x02"})["act"] == "unknown"


@pytest.mark.parametrize(
    ("ip_address", "expected"),
    [
        ("192.0.2.7", {"src-ip": "192.0.2.7"}),
        ("fe80::1%eth0", {"src-ip": "fe80::1%eth0"}),
        ("192.0.2.\udcff", {"suricata_src_ip": "192.0.2.\N{REPLACEMENT CHARACTER}"}),
        ("gateway", {"suricata_src_ip": "gateway"}),
        (7, {"suricata_src_ip": 7}),
        (["192.0.2.7"], {}),
        (None, {}),
    ],
)
def test_an_alert_with_an_invalid_ip_address_is_kept(ip_address: Any, expected: dict[str, Any]) -> None:
    line = line_of(src_ip=ip_address)

    assert {key: line[key] for key in ("src-ip", "suricata_src_ip") if key in line} == expected


@pytest.mark.usefixtures("alone")
def test_the_portal_stores_an_alert_whatever_bytes_are_in_its_strings(
    real_portal: Any, make: Any, tmp_path: Path
) -> None:
    _, device = make.customer_with_utm(make.tenant(), utm_id="a1b2c3d4e5f6")
    token = device_token.issue(make.session, device, now=clock.utc_now(), by=SYSTEM)
    make.session.commit()
    log = tmp_path / "eve.json"
    with log.open("wb") as file:
        for number in range(256):
            http = {"hostname": "a.example", "url": "/<>"}
            attack = text_of(alert(number, http=http, host="<>", src_ip="<>")).encode()
            byte = bytes([number])
            # As Suricata writes them, and as other writers do. A line feed ends the line.
            file.write(attack.replace(b"<>", b'\\"' if byte == b'"' else byte * 3 if byte not in b"\\\n" else b"\\\\"))
            file.write(attack.replace(b"<>", b"\\u%04x" % (0xD800 + number)))
    args = ["ship", "--quiet", "--format", "suricata", "--file", str(log), "--url", real_portal.url, "--token", token]

    result = CliRunner().invoke(utm, args)

    assert result.exit_code == 0, result.output
    assert make.session.scalar(sql("SELECT count(*) FROM alert")) == 512
