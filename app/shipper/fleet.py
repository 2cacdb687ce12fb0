"""Plays a fleet of UTMs: their heartbeats, and alerts as offices have them.

What a UTM tells depends on the seed and its ID alone; only the times are those of the clock. Names and addresses are invented: domains
under ``.example``, addresses kept for documentation (RFC 5737) outside and private ones (RFC 1918) inside.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.shipper.client import DeviceClient, DeviceError
from app.shipper.sent import Sent

VERSION = "1.4.4"
_SHORTEST_TICK, _LONGEST_TICK = 5, 60
_MOST_PROBLEMS = 10

# Twenty alerts as an office has them: each round of a UTM has all five functions.
_ROUND = ["url_filter"] * 8 + ["app_guard"] * 5 + ["ips"] * 3 + ["web_guard"] * 2 + ["antivirus"] * 2

_OUTSIDE = ("192.0.2.", "198.51.100.", "203.0.113.")
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


@dataclass
class Played:
    """What a fleet did.

    :ivar problems: what went wrong, the first few, each with the UTM's ID.
    """

    heartbeats: int = 0
    commands: int = 0
    failures: int = 0
    sent: Sent = field(default_factory=Sent)
    problems: list[str] = field(default_factory=list)


class Utm:
    """One invented UTM.

    :param utm_id: its ID in the portal.
    :param started: when it was switched on; the first half of its alert IDs, as with the real ones.
    """

    def __init__(self, utm_id: str, client: DeviceClient, *, seed: int, started: datetime) -> None:
        self.utm_id = utm_id
        self.client = client
        self._random = random.Random(f"{seed}:{utm_id}")  # noqa: S311  (a play, nothing secret)
        self._started = int(started.timestamp())
        self._count = 0
        self._round: list[str] = []
        self._owed = 0.0
        self.ip = f"192.168.{self._random.randint(1, 99)}.{self._random.randint(100, 199)}"
        self.mac = "02:00:" + ":".join(f"{self._random.randrange(256):02x}" for _ in range(4))

    def alerts(self, rate: float, begin: datetime, seconds: float) -> list[dict[str, Any]]:
        """Return the alerts of a span of time.

        :param rate: alerts per minute; parts of one are carried over to the next span.
        :param begin: where the span begins, with a zone.
        """
        self._owed += rate * seconds / 60
        number, self._owed = int(self._owed), self._owed % 1
        offsets = sorted(self._random.random() * seconds for _ in range(number))
        return [self._alert(begin + timedelta(seconds=offset)) for offset in offsets]

    def _alert(self, when: datetime) -> dict[str, Any]:
        pick = self._random
        if not self._round:
            self._round = pick.sample(_ROUND, len(_ROUND))
        kind = self._round.pop()
        self._count += 1
        line = {
            "alert_id": f"{self._started}-{self._count}",
            "time": when.astimezone(UTC).isoformat(timespec="milliseconds"),
            "type": kind,
            "src-ip": f"{self.ip.rsplit('.', 1)[0]}.{pick.randint(2, 99)}",
            "src-port": pick.randint(49152, 65535),
            "dst-ip": f"{pick.choice(_OUTSIDE)}{pick.randint(1, 254)}",
            "dst-port": 443,
            "src-mac": f"02:00:5e:10:00:{pick.randrange(256):02x}",
            "iif": "br0",
            "proto": "TCP",
            "L7_proto": "https",
        }
        blocked, high = pick.random(), pick.random()
        line |= {
            "act": "block" if blocked < _BLOCKED[kind] else "pass",
            "alert_severity": "high" if high < _HIGH[kind] else "low",
        }
        line |= _FACTS[kind](pick)
        if kind == "antivirus":
            line["date"] = when.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        return line


def _antivirus(pick: random.Random) -> dict[str, Any]:
    virus, vid, file, subject = pick.choice(_VIRUSES)
    facts = {"virus": virus, "vid": vid, "file": file, "severity": pick.choice(["3", "4", "5"]), "subject": subject}
    return facts | {"L7_proto": "pop3", "dst-port": 110}


def _ips(pick: random.Random) -> dict[str, Any]:
    msg, sid, proto, port = pick.choice(_THREATS)
    return {"msg": msg, "sid": sid, "L7_proto": proto, "dst-port": port}


def _web_guard(pick: random.Random) -> dict[str, Any]:
    return {
        "url": f"http://{pick.choice(_BAD_SITES)}",
        "sid": str(pick.randint(3_100_001, 3_100_099)),
        "L7_proto": "http",
        "dst-port": 80,
    }


def _url_filter(pick: random.Random) -> dict[str, Any]:
    host, cid, cname, ctype = pick.choice(_SITES)
    return {
        "url": f"https://www.{host}/page/{pick.randint(1, 500)}",
        "cid": cid,
        "gid": cid[0],
        "cname": cname,
        "ctype": ctype,
    }


def _app_guard(pick: random.Random) -> dict[str, Any]:
    app, aid, atype, proto = pick.choice(_APPS)
    return {"app": app, "aid": aid, "atype": atype, "sid": f"4{aid}", "L7_proto": proto}


_FACTS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "antivirus": _antivirus,
    "ips": _ips,
    "web_guard": _web_guard,
    "url_filter": _url_filter,
    "app_guard": _app_guard,
}
# How much of each function is blocked, and how much is worth a mail.
_BLOCKED = {"antivirus": 1.0, "ips": 0.8, "web_guard": 0.9, "url_filter": 0.4, "app_guard": 0.3}
_HIGH = {"antivirus": 1.0, "ips": 0.4, "web_guard": 0.5, "url_filter": 0.0, "app_guard": 0.05}


class Fleet:
    """Plays several UTMs side by side.

    :param utms: the UTMs; one whose calls fail keeps being tried, the others go on.
    :param rate: alerts per minute and UTM.
    """

    def __init__(self, utms: list[Utm], *, rate: float) -> None:
        self.utms = utms
        self.rate = rate
        self.played = Played()

    def tick(self, begin: datetime, seconds: float) -> float:
        """Send one heartbeat and the alerts of a span of time for each UTM; return the seconds until the portal wants the next.

        :raises DeviceError: not one UTM got through.
        """
        wanted: list[float] = []
        trouble: DeviceError | None = None
        for utm in self.utms:
            try:
                answer = utm.client.heartbeat(version=VERSION, ip=utm.ip, mac=utm.mac)
                self.played.heartbeats += 1
                self.played.commands += len(answer["commands"])
                utm.client.send_alerts(utm.alerts(self.rate, begin, seconds), progress=self.played.sent)
                following = answer.get("next_seconds")
                wanted.append(following if isinstance(following, int | float) else _LONGEST_TICK)
            except DeviceError as error:
                trouble = error
                self.played.failures += 1
                if len(self.played.problems) < _MOST_PROBLEMS:
                    self.played.problems.append(f"{utm.utm_id}: {error}")
        if trouble and not wanted:
            raise trouble
        return float(min(_LONGEST_TICK, max(_SHORTEST_TICK, min(wanted, default=_LONGEST_TICK))))
