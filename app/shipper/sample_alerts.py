"""Sample alerts of small offices, for the simulation.

Domains end in ``.example``; external IP addresses are reserved for documentation (RFC 5737), internal ones are private (RFC 1918).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

# The functions of twenty alerts, in typical proportions.
ALERT_MIX = ["url_filter"] * 8 + ["app_guard"] * 5 + ["ips"] * 3 + ["web_guard"] * 2 + ["antivirus"] * 2

_EXTERNAL_NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")
_VIRUSES = [
    ("EICAR-Test-File", "1000001", "eicar.com", "ウイルス対策ソフトの動作確認"),
    ("Trojan.Downloader.Invented-A", "1000207", "請求書_202611.xlsm", "請求書のご送付"),
    ("Worm.MassMail.Invented-C", "1000315", "invoice.zip", "Your invoice is ready"),
    ("Ransom.Crypt.Invented-B", "1000422", "見積書.docm", "お見積書の件"),
]
_THREATS = [
    ("SCAN Potential SSH scan", "2900101", "ssh", 22),
    ("EXPLOIT Path traversal attempt in HTTP request", "2900233", "http", 80),
    ("EXPLOIT Remote code execution attempt over JNDI lookup", "2900240", "http", 8080),
    ("SCAN Repeated connections to database port 1433", "2900118", "tds", 1433),
]
_BAD_SITES = [
    "login-bank.example/signin",
    "parcel-notice.example/track",
    "update-player.example/setup.exe",
    "prize.example/win?id=7",
]
_SITES = [
    ("casino.example", "101", "ギャンブル", "規制"),
    ("shop.example", "204", "ショッピング", "一般"),
    ("video.example", "305", "動画配信", "一般"),
    ("sns.example", "311", "SNS・掲示板", "一般"),
    ("dating.example", "118", "出会い", "規制"),
]
_APPS = [
    ("File sharing torrent", "5001", "P2P", "bittorrent-dht"),
    ("Remote desktop", "5102", "リモートアクセス", "rdp"),
    ("Instant messenger", "5203", "メッセンジャー", "tls"),
    ("Online storage", "5304", "ストレージ", "tls"),
    ("Online game", "5405", "ゲーム", "quic"),
]


def sample_alert(kind: str, network: str, when: datetime, rng: random.Random) -> dict[str, Any]:
    """Return the line of a sample alert, without an ID.

    :param kind: its security function.
    :param network: the first three numbers of the office's IP addresses.
    :param when: its time, with a time zone.
    :param rng: decides everything else.
    """
    line = {
        "time": when.astimezone(UTC).isoformat(timespec="milliseconds"),
        "type": kind,
        "src-ip": f"{network}.{rng.randint(2, 99)}",
        "src-port": rng.randint(49152, 65535),
        "dst-ip": f"{rng.choice(_EXTERNAL_NETWORKS)}{rng.randint(1, 254)}",
        "dst-port": 443,
        "src-mac": f"02:00:5e:10:00:{rng.randrange(256):02x}",
        "iif": "br0",
        "proto": "TCP",
        "L7_proto": "https",
    }
    blocked, high = rng.random(), rng.random()
    line |= {
        "act": "block" if blocked < _BLOCKED_SHARE[kind] else "pass",
        "alert_severity": "high" if high < _HIGH_SHARE[kind] else "low",
    }
    line |= _FIELDS[kind](rng)
    if kind == "antivirus":
        line["date"] = when.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    return line


def _antivirus(rng: random.Random) -> dict[str, Any]:
    virus, vid, file, subject = rng.choice(_VIRUSES)
    facts = {"virus": virus, "vid": vid, "file": file, "severity": rng.choice(["3", "4", "5"]), "subject": subject}
    return facts | {"L7_proto": "pop3", "dst-port": 110}


def _ips(rng: random.Random) -> dict[str, Any]:
    msg, sid, proto, port = rng.choice(_THREATS)
    return {"msg": msg, "sid": sid, "L7_proto": proto, "dst-port": port}


def _web_guard(rng: random.Random) -> dict[str, Any]:
    return {
        "url": f"http://{rng.choice(_BAD_SITES)}",
        "sid": str(rng.randint(3_100_001, 3_100_099)),
        "L7_proto": "http",
        "dst-port": 80,
    }


def _url_filter(rng: random.Random) -> dict[str, Any]:
    host, cid, cname, ctype = rng.choice(_SITES)
    return {
        "url": f"https://www.{host}/page/{rng.randint(1, 500)}",
        "cid": cid,
        "gid": cid[0],
        "cname": cname,
        "ctype": ctype,
    }


def _app_guard(rng: random.Random) -> dict[str, Any]:
    app, aid, atype, proto = rng.choice(_APPS)
    return {"app": app, "aid": aid, "atype": atype, "sid": f"4{aid}", "L7_proto": proto}


_FIELDS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "antivirus": _antivirus,
    "ips": _ips,
    "web_guard": _web_guard,
    "url_filter": _url_filter,
    "app_guard": _app_guard,
}
# The shares of blocked and of high alerts of each function.
_BLOCKED_SHARE = {"antivirus": 1.0, "ips": 0.8, "web_guard": 0.9, "url_filter": 0.4, "app_guard": 0.3}
_HIGH_SHARE = {"antivirus": 1.0, "ips": 0.4, "web_guard": 0.5, "url_filter": 0.0, "app_guard": 0.05}
