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

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.shipper.adapters.adapter import Adapter, ConversionError
from app.shipper.adapters.eve import EveReader
from app.shipper.adapters.eve_record import records_in
from app.shipper.adapters.values import LIMIT, MAX_PORT, clean, is_ip_address
from app.shipper.log_reader import UnreadableRecordError

MALWARE = {"MALWARE", "TROJAN", "WORM", "MOBILE_MALWARE", "ADWARE_PUP"}
URL_CATEGORY = {"INAPPROPRIATE"}
WEB = {"WEB_CLIENT", "PHISHING", "EXPLOIT_KIT", "MALVERTISING", "INAPPROPRIATE"}
APPLICATION = {"POLICY", "CHAT", "P2P", "GAMES"}

_SIGNATURE = re.compile(r"(?:ET|ETPRO|GPL)\s+([A-Za-z0-9_]+)\s+(.*)", re.DOTALL)
_URL_CATEGORY_KEYS = ("url_category", "urlcategory", "url-category", "web_category", "content_category")
_URL_CATEGORY_TEXT = re.compile(r"url[ _-]?(?:category|filter)", re.IGNORECASE)
_WEB_CATEGORY_TEXT = re.compile(r"phishing|social engineering|exploit kit|credential theft", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")
_ACTIONS = {"allowed": "pass", "blocked": "block"}


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


class SuricataAdapter(Adapter[dict[str, Any]]):
    """Suricata's EVE output."""

    name = "suricata"

    def reader(self, path: Path, tick: Callable[[], object] = lambda: None) -> EveReader:
        """Return a reader of a complete file."""
        return EveReader(path, tick=tick)

    def records_in(self, line: str) -> Iterator[dict[str, Any] | UnreadableRecordError]:
        """Yield the records of a line; a damaged line may have several."""
        return records_in(line)

    def is_alert(self, record: dict[str, Any]) -> bool:
        """Whether a record is an alert."""
        return record.get("event_type") == "alert"

    def kind(self, record: dict[str, Any]) -> str:
        """Return the event type."""
        return str(record.get("event_type") or "no event type")

    def event_time(self, record: dict[str, Any]) -> datetime:
        """Return the time of an alert.

        :raises ConversionError: it has no valid timestamp or no alert object.
        """
        if not isinstance(record.get("alert"), dict):
            raise ConversionError("an alert without the alert object")
        return event_time(record)

    def identity(self, record: dict[str, Any]) -> bytes:
        """Return the canonical JSON of a record."""
        return canonical_json(record)

    def fields(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of an alert line."""
        alert = record["alert"]
        return _common(record, alert) | _by_type(record, alert)


SURICATA = SuricataAdapter()


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
    ether, http, action = _dict(record.get("ether")), _dict(record.get("http")), clean(alert.get("action"), LIMIT)
    source, destination = record.get("src_ip"), record.get("dest_ip")
    return {
        "type": security_function(record),
        "act": _ACTIONS.get(str(action), action) or "unknown",
        "alert_severity": "high" if alert.get("severity") in (1, "1") else "low",
        "src-ip" if is_ip_address(source) else "suricata_src_ip": source,
        "src-port": _port(record.get("src_port")),
        "dst-ip" if is_ip_address(destination) else "suricata_dest_ip": destination,
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


def _port(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_PORT else None


def _id(value: object) -> str | None:
    """Return an ID as text."""
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else None


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
