"""Converts Suricata's EVE records to alert lines of the device API.

Only ``event_type: alert`` becomes a line. The security function (``type``) is the first row of this table that applies; "family" is the word
after the rule set in the signature (``ET P2P BitTorrent ...`` is P2P), or else the rule's ``former_category``:

============  =======================================================================================================================
type          when
============  =======================================================================================================================
antivirus     the record has a file (``fileinfo`` or ``files``), and the file a ``magic`` or the rule a virus name: ``malware_family``
              in its metadata, or a family of malware (MALWARE, TROJAN, WORM, MOBILE_MALWARE, ADWARE_PUP)
url_filter    the record has ``http``, and the rule is about a category of URLs: ``url_category`` (or alike) in its metadata,
              "URL category" in its signature or category, or the family INAPPROPRIATE
web_guard     the record has ``http`` or ``tls``, and the rule protects people who open web pages: family WEB_CLIENT, PHISHING,
              EXPLOIT_KIT, MALVERTISING or INAPPROPRIATE, or a category on phishing or exploit kits. WEB_SERVER and WEB_SPECIFIC_APPS
              are not among them: those are attacks on a server, which is what IPS watches
app_guard     Suricata knows the application protocol (``app_proto``, not "failed"), and the rule is about what people may use:
              family POLICY, CHAT, P2P or GAMES
ips           all others
============  =======================================================================================================================

Severity 1 is ``high``. A time without a zone is UTC. Facts without a column of their own go under keys that start with ``suricata_``.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

MALWARE = {"MALWARE", "TROJAN", "WORM", "MOBILE_MALWARE", "ADWARE_PUP"}
URL_CATEGORY = {"INAPPROPRIATE"}
WEB = {"WEB_CLIENT", "PHISHING", "EXPLOIT_KIT", "MALVERTISING", "INAPPROPRIATE"}
APPLICATION = {"POLICY", "CHAT", "P2P", "GAMES"}

_SIGNATURE = re.compile(r"(?:ET|ETPRO|GPL)\s+([A-Za-z0-9_]+)\s+(.*)", re.DOTALL)
_URL_CATEGORY_KEYS = ("url_category", "urlcategory", "url-category", "web_category", "content_category")
_URL_CATEGORY_TEXT = re.compile(r"url[ _-]?(?:category|filter)", re.IGNORECASE)
_WEB_CATEGORY_TEXT = re.compile(r"phishing|social engineering|exploit kit|credential theft", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")
_SPACE = re.compile(r"[\t\r\n]+")
# NUL and lone surrogates; bytes that are not valid UTF-8 are decoded to the latter.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x1f\x7f-\x9f]")
_ACTIONS = {"allowed": "pass", "blocked": "block"}
# Maximum lengths of texts in the portal, in characters. Longer texts are cut, so that the alert is not rejected.
_LIMITS = {"url": 2048, "act": 32, "src-mac": 64, "dst-mac": 64, "src-ip": 64, "dst-ip": 64} | dict.fromkeys(
    ("msg", "virus", "file", "subject", "cname", "app"), 512
)
_LIMIT = 255
_MAX_PORT = 65535


class ConversionError(Exception):
    """An alert record cannot be converted; the text is the reason."""


def event_time(record: dict[str, Any]) -> datetime:
    """Return the time of an EVE record, in UTC.

    :raises ConversionError: the record has no valid timestamp.
    """
    text = record.get("timestamp")
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise ConversionError("no valid timestamp")
    try:
        when = datetime.fromisoformat(text)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ConversionError("no valid timestamp") from None


def canonical_json(record: dict[str, Any]) -> bytes:
    """Return the canonical JSON of a record, which does not depend on white space and the order of keys.

    :raises ConversionError: it is nested too deeply.
    """
    try:
        return json.dumps(record, sort_keys=True, separators=(",", ":")).encode("ascii")
    except RecursionError:
        raise ConversionError("nested too deeply") from None


class Converter:
    """Converts the records of one file to alert lines, in order.

    :param shift: added to every time; the alert IDs are those of the recorded time.
    :param remembered: number of records that are remembered, to number identical ones. These have the same timestamp and are close together,
        so that a limit bounds the memory.
    """

    def __init__(self, shift: timedelta = timedelta(0), *, remembered: int = 50_000) -> None:
        self.shift = shift
        self._remembered = remembered
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def convert(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Return the alert line of a record, or None if it is not an alert.

        :raises ConversionError: the alert cannot be converted.
        """
        if record.get("event_type") != "alert":
            return None
        alert = record.get("alert")
        if not isinstance(alert, dict):
            raise ConversionError("an alert without the alert object")
        when = event_time(record)
        try:
            shifted = when + self.shift
        except OverflowError:
            raise ConversionError("no valid timestamp") from None
        line: dict[str, Any] = {
            "alert_id": self._alert_id(record, when),
            "time": shifted.isoformat(timespec="microseconds"),
        }
        facts = _common(record, alert) | _by_type(record, alert)
        cleaned = ((key, _clean(value, _LIMITS.get(key, _LIMIT))) for key, value in facts.items())
        return line | {key: value for key, value in cleaned if value is not None}

    def _alert_id(self, record: dict[str, Any], when: datetime) -> str:
        """Return ``<Unix seconds>-<counter>``; the counter is a hash of the record and of its number among identical records.

        So a file gives the same IDs on every run, identical records are different alerts, and collisions of 48 bits within one second are unlikely.
        """
        digest = hashlib.sha256(canonical_json(record)).digest()
        number = self._seen.pop(digest, 0) + 1
        self._seen[digest] = number
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        counter = hashlib.sha256(digest + number.to_bytes(8, "big")).digest()[:6]
        return f"{int(when.timestamp())}-{int.from_bytes(counter, 'big')}"


def security_function(record: dict[str, Any]) -> str:
    """Return the security function of an alert record: the value of ``type`` (see the table above)."""
    alert = _dict(record.get("alert"))
    family, metadata = _family(alert)[0], _dict(alert.get("metadata"))
    texts = f"{alert.get('signature')}\n{alert.get('category')}"
    http = isinstance(record.get("http"), dict)
    files = _files(record)
    if files and (family in MALWARE or "malware_family" in metadata or any(file.get("magic") for file in files)):
        return "antivirus"
    if http and (family in URL_CATEGORY or _url_category(metadata) or _URL_CATEGORY_TEXT.search(texts)):
        return "url_filter"
    if (http or isinstance(record.get("tls"), dict)) and (
        family in WEB or _WEB_CATEGORY_TEXT.search(str(alert.get("category")))
    ):
        return "web_guard"
    if family in APPLICATION and _app_proto(record):
        return "app_guard"
    return "ips"


def _common(record: dict[str, Any], alert: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of every alert."""
    ether, http, action = _dict(record.get("ether")), _dict(record.get("http")), _clean(alert.get("action"), _LIMIT)
    source, destination = record.get("src_ip"), record.get("dest_ip")
    return {
        "type": security_function(record),
        "act": _ACTIONS.get(str(action), action) or "unknown",
        "alert_severity": "high" if alert.get("severity") in (1, "1") else "low",
        "src-ip" if _is_ip_address(source) else "suricata_src_ip": source,
        "src-port": _port(record.get("src_port")),
        "dst-ip" if _is_ip_address(destination) else "suricata_dest_ip": destination,
        "dst-port": _port(record.get("dest_port")),
        "src-mac": _first(ether.get("src_mac")),
        "dst-mac": _first(ether.get("dest_mac")),
        "xff": _first(record.get("xff") or http.get("xff")),
        "iif": record.get("in_iface"),
        "proto": record.get("proto"),
        "L7_proto": _app_proto(record),
        "msg": alert.get("signature"),
        "sid": _id(alert.get("signature_id")),
        "gid": _id(alert.get("gid")),
        "url": _url(record),
        "suricata_category": alert.get("category"),
        "suricata_severity": alert.get("severity"),
        # As text, because flow IDs exceed the range of JavaScript numbers.
        "suricata_flow_id": _id(record.get("flow_id")),
        "suricata_community_id": record.get("community_id"),
        "suricata_host": record.get("host"),
    }


def _by_type(record: dict[str, Any], alert: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that depend on the security function."""
    family, name = _family(alert)
    metadata = _dict(alert.get("metadata"))
    kind = security_function(record)
    if kind == "antivirus":
        file, email = _files(record)[0], _dict(record.get("email"))
        return {
            "virus": _first(metadata.get("malware_family")) or name,
            "vid": _id(alert.get("signature_id")),
            "file": file.get("filename"),
            "severity": _first(metadata.get("signature_severity")),
            "subject": email.get("subject"),
            "date": email.get("date"),
            "suricata_magic": file.get("magic"),
        }
    if kind == "url_filter":
        return {
            "ctype": family or "url_category",
            "cname": _url_category(metadata) or alert.get("category"),
            "cid": _id(_first(metadata.get("url_category_id"))),
        }
    if kind == "app_guard":
        return {"app": name, "aid": _id(alert.get("signature_id")), "atype": family}
    return {}


def _family(alert: dict[str, Any]) -> tuple[str, str]:
    """Split a signature into the family of its rule and the name of the threat."""
    signature = alert.get("signature")
    text = signature if isinstance(signature, str) else ""
    if found := _SIGNATURE.match(text):
        return found[1].upper(), found[2].strip()
    former = _first(_dict(alert.get("metadata")).get("former_category"))
    return (former.upper() if isinstance(former, str) else ""), text


def _files(record: dict[str, Any]) -> list[dict[str, Any]]:
    several = record.get("files")
    found = [record.get("fileinfo"), *(several if isinstance(several, list) else [])]
    return [file for file in found if isinstance(file, dict) and file]


def _url_category(metadata: dict[str, Any]) -> Any:
    return next((_first(metadata[key]) for key in _URL_CATEGORY_KEYS if metadata.get(key)), None)


def _app_proto(record: dict[str, Any]) -> str | None:
    proto = record.get("app_proto")
    if isinstance(proto, str) and proto:
        return None if proto == "failed" else proto
    # Old versions have no app_proto, but an object with the protocol's fields.
    return next((name for name in ("http", "tls", "ssh", "smtp", "dns") if isinstance(record.get(name), dict)), None)


def _url(record: dict[str, Any]) -> str | None:
    """Return host and path of an HTTP request, or the server name of a TLS connection."""
    http = _dict(record.get("http"))
    host, path = http.get("hostname"), http.get("url")
    host = host if isinstance(host, str) else ""
    path = path if isinstance(path, str) else ""
    if host and (not path or path.startswith("/")):
        return host + path
    if path:
        return path  # a request to a proxy has an absolute URL
    name = _dict(record.get("tls")).get("sni")
    return name if isinstance(name, str) else None


def _clean(value: object, limit: int) -> str | int | None:
    """Return a text without characters that cannot be stored or displayed, cut to ``limit`` characters, or an integer.

    None if the text is empty or the value is neither a text nor an integer.
    """
    if isinstance(value, str):
        if not value.isprintable():
            value = _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", _SPACE.sub(" ", value))
            value = _CONTROL.sub("", value)
        return value.strip()[:limit] or None
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else None


def _is_ip_address(value: object) -> bool:
    """Whether a value is an IP address; the portal rejects an alert with an invalid one."""
    return isinstance(value, str) and _is_ip_address_text(value)


@lru_cache(16_384)
def _is_ip_address_text(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return False
    return True


def _port(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_PORT else None


def _id(value: object) -> str | None:
    """Return an ID as text."""
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
