"""Generate thirty days of plausible office alerts, as the lines that a UTM would send.

Internal IP addresses are private (RFC 1918), external ones are reserved for documentation (RFC 5737), domains end in
``.example``, and all threats are invented.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from models import clock
from models.actor import Actor
from models.alerts import policy_rules
from models.alerts.alert import AlertLevel, SecurityFunction
from models.alerts.level_policy import FIRST, LevelRule

DAYS = 30

_OUTSIDE = ("192.0.2.", "198.51.100.", "203.0.113.")

# For each function: its share of the alerts, and the fractions of those that are High and that are blocked. In total,
# about 2% are High.
_SHARE = {
    SecurityFunction.URL_FILTER: (48, 0.0, 0.5),
    SecurityFunction.APP_GUARD: (22, 0.0, 0.3),
    SecurityFunction.IPS: (19, 0.04, 0.85),
    SecurityFunction.WEB_GUARD: (7, 0.06, 0.95),
    SecurityFunction.ANTIVIRUS: (4, 0.22, 1.0),
}
# Alerts by hour: few at night, most in the morning and after lunch. Attacks from outside are spread over the day.
_OFFICE_HOURS = (1, 1, 1, 1, 1, 1, 2, 6, 20, 34, 32, 28, 18, 30, 32, 28, 26, 22, 14, 8, 5, 3, 2, 1)
_ALL_HOURS = (3, 4, 4, 4, 3, 3, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3)
_WEEKEND = 0.2

_VIRUSES = (
    ("EICAR-Test-File", "1000001", "eicar.com", "低", "ウイルス対策ソフトの動作確認"),
    ("Trojan.Downloader.Invented-A", "1000207", "請求書.xlsm", "中", "【重要】請求書のご送付"),
    ("Ransom.Crypt.Invented-B", "1000422", "見積書.docm", "高", "お見積書の件"),
    ("Worm.MassMail.Invented-C", "1000315", "invoice.zip", "中", "Your invoice is ready"),
    ("Spy.Keylog.Invented-D", "1000538", "delivery_note.iso", "高", "配送のお知らせ"),
)
_THREATS = (
    ("SCAN Potential SSH scan", "2900101", 22),
    ("SCAN Inbound connection to database port", "2900118", 1433),
    ("EXPLOIT Path traversal attempt in HTTP request", "2900233", 80),
    ("EXPLOIT Remote code execution attempt over JNDI lookup", "2900240", 8080),
    ("POLICY Cleartext password over HTTP", "2900305", 80),
    ("DOS NTP amplification attempt", "2900412", 123),
)
_BAD_SITES = (
    "login-bank.example/signin",
    "parcel-notice.example/track?no=7731",
    "update-player.example/setup.exe",
    "prize.example/win?id=7",
    "mail-quota.example/verify",
)
_SITES = (
    ("video.example", "305", "動画配信", "業務外"),
    ("shop.example", "204", "ショッピング", "業務外"),
    ("sns.example", "311", "SNS・掲示板", "業務外"),
    ("game.example", "322", "ゲーム", "業務外"),
    ("casino.example", "101", "ギャンブル", "不適切"),
    ("dating.example", "118", "出会い", "不適切"),
    ("filestorage.example", "402", "ストレージ", "情報漏えい"),
)
_APPS = (
    ("Online storage", "5304", "ストレージ", "tls"),
    ("Instant messenger", "5203", "メッセンジャー", "tls"),
    ("Online game", "5405", "ゲーム", "quic"),
    ("Remote desktop", "5102", "リモートアクセス", "rdp"),
    ("File sharing torrent", "5001", "P2P", "bittorrent"),
)


def make_policy(session: Session) -> None:
    """Store a second version of the alert level policy: the test file of virus scanners is no longer High."""
    test_file = LevelRule(AlertLevel.LOW.value, function=SecurityFunction.ANTIVIRUS.value, signature=_VIRUSES[0][0])
    rules = [test_file, *FIRST.rules]
    policy_rules.save(session, rules, FIRST.default_level, shown=FIRST.version, by=Actor("staff@example.jp"))


def lines(pick: random.Random, number: int, *, now: datetime, until: datetime) -> list[bytes]:
    """Generate a number of alerts of the last ``DAYS`` days, ordered by time.

    :param now: an aware time; its date in Tokyo is the last day.
    :param until: the UTM's last contact; no alert is later.
    """
    functions = pick.choices(list(_SHARE), [share for share, _, _ in _SHARE.values()], k=number)
    # At least one alert of each function, so that there is an example of each.
    functions[: len(_SHARE)] = list(_SHARE)[:number]
    lan = f"192.168.{pick.randint(1, 99)}."
    today = clock.tokyo_day(now)
    raised = sorted((_moment(pick, function, today, until), function) for function in functions)
    return [
        json.dumps(_alert(pick, count, moment, function, lan), ensure_ascii=False).encode()
        for count, (moment, function) in enumerate(raised, 1)
    ]


def _moment(pick: random.Random, function: SecurityFunction, today: date, until: datetime) -> datetime:
    """Return a plausible time for an alert of a function."""
    office = function is not SecurityFunction.IPS
    while True:
        day = today - timedelta(days=pick.randrange(DAYS))
        if office and day.weekday() >= 5 and pick.random() > _WEEKEND:
            continue
        hour = pick.choices(range(24), _OFFICE_HOURS if office else _ALL_HOURS)[0]
        moment = datetime.combine(day, time(hour), clock.TOKYO) + timedelta(milliseconds=pick.randrange(3_600_000))
        if moment <= until:
            return moment


def _alert(pick: random.Random, count: int, moment: datetime, function: SecurityFunction, lan: str) -> dict[str, Any]:
    _, high, blocked = _SHARE[function]
    inside = f"{lan}{pick.randint(10, 199)}"
    line = {
        "alert_id": f"{int(moment.timestamp())}-{count}",
        "time": moment.astimezone(UTC).isoformat(timespec="milliseconds"),
        "type": function.value,
        "act": "block" if pick.random() < blocked else "pass",
        "alert_severity": "high" if pick.random() < high else "low",
        "src-ip": inside,
        "src-port": pick.randint(49152, 65535),
        "dst-ip": f"{pick.choice(_OUTSIDE)}{pick.randint(1, 254)}",
        "dst-port": 443,
        "src-mac": f"02:00:5e:20:00:{pick.randrange(256):02x}",
        "dst-mac": "02:00:5e:20:01:01",
        "xff": inside,
        "iif": "br0",
        "proto": "TCP",
        "L7_proto": "https",
    }
    return line | _FACTS[function](pick, line, moment)


def _antivirus(pick: random.Random, _line: dict[str, Any], moment: datetime) -> dict[str, Any]:
    virus, vid, file, severity, subject = pick.choice(_VIRUSES)
    return {
        "virus": virus,
        "vid": vid,
        "file": file,
        "severity": severity,
        "subject": subject,
        "date": moment.strftime("%a, %d %b %Y %H:%M:%S %z"),
        "dst-port": 110,
        "L7_proto": "pop3",
    }


def _ips(pick: random.Random, line: dict[str, Any], _at: datetime) -> dict[str, Any]:
    """An attack from outside."""
    msg, sid, port = pick.choice(_THREATS)
    return {
        "msg": msg,
        "sid": sid,
        "src-ip": line["dst-ip"],
        "dst-ip": line["src-ip"],
        "dst-port": port,
        "xff": line["dst-ip"],
        "proto": "UDP" if port == 123 else "TCP",
        "L7_proto": "http" if port in {80, 8080} else "unknown",
    }


def _web_guard(pick: random.Random, _line: dict[str, Any], _at: datetime) -> dict[str, Any]:
    site = pick.choice(_BAD_SITES)
    return {"url": f"http://{site}", "sid": str(3_100_001 + _BAD_SITES.index(site)), "dst-port": 80, "L7_proto": "http"}


def _url_filter(pick: random.Random, _line: dict[str, Any], _at: datetime) -> dict[str, Any]:
    host, cid, cname, ctype = pick.choice(_SITES)
    return {
        "url": f"https://www.{host}/page/{pick.randint(1, 500)}",
        "cid": cid,
        "gid": cid[0],
        "cname": cname,
        "ctype": ctype,
    }


def _app_guard(pick: random.Random, _line: dict[str, Any], _at: datetime) -> dict[str, Any]:
    app, aid, atype, protocol = pick.choice(_APPS)
    return {
        "app": app,
        "aid": aid,
        "bid": aid[0],
        "atype": atype,
        "sid": f"4{aid}",
        "proto": "UDP" if protocol == "quic" else "TCP",
        "L7_proto": protocol,
    }


_FACTS: dict[SecurityFunction, Callable[[random.Random, dict[str, Any], datetime], dict[str, Any]]] = {
    SecurityFunction.ANTIVIRUS: _antivirus,
    SecurityFunction.IPS: _ips,
    SecurityFunction.WEB_GUARD: _web_guard,
    SecurityFunction.URL_FILTER: _url_filter,
    SecurityFunction.APP_GUARD: _app_guard,
}
