"""Converts FortiGate's syslog messages to alert lines of the device API.

A line is one message: ``key=value`` pairs as FortiOS writes them, or CEF, with or without the header of a syslog server. The security
function (``type``) is the first row of this table that applies; all other messages (traffic, events, and the UTM subtypes dns, ssl, ssh,
dlp, cifs, waf and the like) are no alerts, and are counted as skipped:

===========  ==================================================================================================
type         when ``type`` is ``utm`` (or, before FortiOS 6, ``anomaly``), and
===========  ==================================================================================================
web_guard    ``eventtype`` is ``malicious-url``: the list of malicious sites, which IPS profiles block
antivirus    ``subtype`` is ``virus``
ips          ``subtype`` is ``ips`` or ``anomaly``: the signatures of IPS, and its thresholds of DoS policies
url_filter   ``subtype`` is ``webfilter``
app_guard    ``subtype`` is ``app-ctrl``
===========  ==================================================================================================

The time is ``eventtime``: seconds, milliseconds, microseconds or nanoseconds since 1970, depending on the version. Without it, it is
``date`` and ``time`` in the zone ``tz``, or in UTC without one. The time in the syslog header is the last resort, because it is that of
another machine. An alert is ``high`` if the first of ``severity``, ``crlevel`` and ``apprisk`` that it has is ``high`` or ``critical``; a
virus is also if it has none of them.

Facts without a column of their own go under keys that start with ``fortigate_``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.shipper.adapters.adapter import Adapter, ConversionError
from app.shipper.adapters.key_value import cef_values, key_values, merged
from app.shipper.adapters.values import LIMIT, MAX_PORT, clean, is_ip_address
from app.shipper.log_reader import BLANK, MAX_RECORD, LineReader, UnreadableRecordError, too_long

_FUNCTIONS = {
    "virus": "antivirus",
    "ips": "ips",
    "anomaly": "ips",
    "webfilter": "url_filter",
    "app-ctrl": "app_guard",
}
_PASSED = {
    "accept", "allow", "allowed", "detected", "exempt", "monitored", "pass", "pass_session", "passthrough", "permit",
}  # fmt: skip
_BLOCKED = {
    "block", "blocked", "clear_session", "close", "denied", "deny", "drop", "drop_session", "dropped", "quarantine",
    "reset", "reset_client", "reset_server",
}  # fmt: skip
_PROTOCOLS = {
    "1": "ICMP", "2": "IGMP", "6": "TCP", "17": "UDP", "41": "IPv6", "47": "GRE", "50": "ESP", "51": "AH",
    "58": "IPv6-ICMP", "89": "OSPF", "132": "SCTP",
}  # fmt: skip

# A message starts with one of these keys, which FortiOS writes before any text of others.
_LEADING = (
    "date", "time", "timestamp", "itime", "eventtime", "tz", "logver", "devname", "devid", "logid", "type", "subtype",
    "eventtype", "level", "vd",
)  # fmt: skip
_FIRST_COUNTS = frozenset(_LEADING)
_START = re.compile(r"(?:(?<=[ \t>:\]\ufeff])|^)(?:" + "|".join(_LEADING) + ")=")
_CEF_START = re.compile(r"(?:CEF:)?\d\|Fortinet\|(?:(?:[^|\\]|\\.)*+\|){5}")
_CEF_KEYS = {
    "src": "srcip", "spt": "srcport", "dst": "dstip", "dpt": "dstport", "act": "action", "app": "service", "cat": "type",
    "externalId": "sessionid", "deviceExternalId": "devid", "deviceInboundInterface": "srcintf", "fname": "filename",
    "deviceOutboundInterface": "dstintf", "request": "url", "dhost": "hostname", "duser": "user", "requestContext": "catdesc",
    "requestClientApplication": "agent", "smac": "srcmac", "dmac": "dstmac",
}  # fmt: skip
_CEF_PREFIX = "FTNTFGT"
# Some collectors write the line end as two characters.
_WRITTEN_LINE_END = re.compile(r"(?:\\[nr])+$")

_HEADER_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = re.compile(r"\d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
_ZONE = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_EVENT_TIME = re.compile(r"[1-9]\d{8,18}", re.ASCII)
# The units of eventtime, by the first number that is too large for them: the year 5138 in each of them.
_UNITS = ((10**11, 10**6), (10**14, 10**3), (10**17, 1))
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_OTHER_KEYS = (
    "devname", "devid", "vd", "logid", "subtype", "eventtype", "level", "policyid", "sessionid", "user", "group",
    "direction", "dstintf", "profile", "crlevel", "apprisk", "action", "ref",
)  # fmt: skip
# The portal takes 8 KiB of values without a column, however many bytes their characters need.
_OTHER_LIMIT = 80


@dataclass(frozen=True)
class FortigateRecord:
    """One message.

    :ivar message: the message without syslog header.
    :ivar values: the values by key, under the names of the ``key=value`` form.
    :ivar doubtful: the keys that occur with different values, which are left out.
    :ivar header_time: the time in the syslog header, if it is there in the form of RFC 3339.
    """

    message: str
    values: dict[str, str]
    doubtful: set[str] = field(default_factory=set)
    header_time: str | None = None


class FortigateAdapter(Adapter[FortigateRecord]):
    """FortiGate's syslog messages."""

    name = "fortigate"

    def reader(self, path: Path, tick: Callable[[], object] = lambda: None) -> LineReader[FortigateRecord]:
        """Return a reader of a complete file."""
        return LineReader(path, self.records_in, tick=tick)

    def records_in(self, line: str) -> Iterator[FortigateRecord | UnreadableRecordError]:
        """Yield the record of a line. A line is never split, because a value may contain what looks like another message."""
        line = line.strip(BLANK)
        if not line:
            return
        try:
            yield _parse(line)
        except UnreadableRecordError as error:
            yield error

    def is_alert(self, record: FortigateRecord) -> bool:
        """Whether a message is of a security function."""
        return security_function(record) is not None

    def kind(self, record: FortigateRecord) -> str:
        """Return type and subtype."""
        return f"{record.values['type']} {record.values.get('subtype', '')}".strip()

    def event_time(self, record: FortigateRecord) -> datetime:
        """Return the time of a message.

        :raises ConversionError: it has none.
        """
        when = event_time(record)
        if when is None:
            raise ConversionError("no valid time")
        return when

    def identity(self, record: FortigateRecord) -> bytes:
        """Return the bytes of the message without syslog header, which differs if a log is relayed or exported again."""
        return record.message.encode("utf-8", "surrogatepass")

    def fields(self, record: FortigateRecord) -> dict[str, Any]:
        """Return the fields of an alert line."""
        function = security_function(record)
        return _common(record, function) | _BY_FUNCTION[str(function)](record.values)


FORTIGATE = FortigateAdapter()


def security_function(record: FortigateRecord) -> str | None:
    """Return the security function of a message (see the table above); None if it is no alert."""
    values = record.values
    if values["type"] not in {"utm", "anomaly"}:
        return None
    if values.get("eventtype") == "malicious-url":
        return "web_guard"
    return _FUNCTIONS.get(values.get("subtype", ""))


def event_time(record: FortigateRecord) -> datetime | None:
    """Return the time of a message in UTC; None if it has no valid one."""
    values = record.values
    if _EVENT_TIME.fullmatch(text := values.get("eventtime", "")):
        number = int(text)
        microseconds = next((number * factor for limit, factor in _UNITS if number < limit), number // 1000)
        return _EPOCH + microseconds * _MICROSECOND
    date, clock, zone = values.get("date", ""), values.get("time", ""), _ZONE.fullmatch(values.get("tz", ""))
    if _DATE.fullmatch(date) and _CLOCK.fullmatch(clock):
        offset = f"{zone[1]}{zone[2]}:{zone[3]}" if zone else "+00:00"
        if when := _parse_time(f"{date}T{clock}{offset}"):
            return when
    return _parse_time(record.header_time) if record.header_time else None


def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parse(line: str) -> FortigateRecord:
    """Parse a line without surrounding blanks.

    :raises UnreadableRecordError: it is not a FortiGate message with a type.
    """
    if len(line) > MAX_RECORD:
        raise UnreadableRecordError(too_long(MAX_RECORD))
    start = _START.search(line)
    cef = _CEF_START.search(line) if "|Fortinet|" in line[: start.start() if start else None] else None
    if cef:
        begin = cef.start()
        values, doubtful = merged(_named(cef_values(line[cef.end() :])), _FIRST_COUNTS)
    elif start:
        begin = start.start()
        values, doubtful = merged(key_values(_WRITTEN_LINE_END.sub("", line[begin:])), _FIRST_COUNTS)
    else:
        raise UnreadableRecordError("not a FortiGate message")
    if not values.get("type"):
        raise UnreadableRecordError("a message without type")
    if values["type"] == "utm" and not values.get("subtype"):
        raise UnreadableRecordError("a UTM message without subtype")
    header = _HEADER_TIME.search(line, 0, begin)
    return FortigateRecord(line[begin:], values, doubtful, header[0] if header else None)


def _named(pairs: Iterator[tuple[str, str | None]]) -> Iterator[tuple[str, str | None]]:
    """Rename the keys of CEF to those of the other form."""
    known = list(pairs)
    labels = {key: value for key, value in known if key.endswith("Label") and value}
    for key, value in known:
        if key.startswith(_CEF_PREFIX):
            yield key.removeprefix(_CEF_PREFIX), value
        elif label := labels.get(f"{key}Label"):
            yield label.lower(), value
        elif key == "cat" and value:
            yield "type", value.partition(":")[0]
        else:
            yield _CEF_KEYS.get(key, key), value


def _common(record: FortigateRecord, function: str | None) -> dict[str, Any]:
    """Return the fields of every alert."""
    values = record.values
    source, destination = values.get("srcip"), values.get("dstip")
    proto, service = values.get("proto"), values.get("service")
    return {
        "type": function,
        "act": _action(values.get("action", "")),
        "alert_severity": "high" if _is_high(values, function) else "low",
        "src-ip" if is_ip_address(source) else "fortigate_srcip": source,
        "src-port": _port(values.get("srcport")),
        "dst-ip" if is_ip_address(destination) else "fortigate_dstip": destination,
        "dst-port": _port(values.get("dstport")),
        "src-mac": values.get("srcmac"),
        "dst-mac": values.get("dstmac"),
        "xff": values.get("forwardedfor"),
        "iif": values.get("srcintf"),
        "proto": _PROTOCOLS.get(proto or "", proto),
        "L7_proto": service.lower() if service else None,
        "url": _url(values),
        "fortigate_agent": _shortened(values.get("agent"), LIMIT),
        "fortigate_doubtful": _shortened(" ".join(sorted(record.doubtful)), LIMIT),
    } | {f"fortigate_{key}": _shortened(values.get(key), _OTHER_LIMIT) for key in _OTHER_KEYS}


def _antivirus(values: dict[str, str]) -> dict[str, Any]:
    return {
        "virus": values.get("virus"),
        "vid": values.get("virusid"),
        "file": values.get("filename"),
        "severity": values.get("crlevel"),
        "subject": values.get("subject"),
        "msg": values.get("msg"),
        "fortigate_category": values.get("viruscat") or values.get("dtype"),
    }


def _intrusion(values: dict[str, str]) -> dict[str, Any]:
    group, colon, _ = values.get("msg", "").partition(":")
    return {
        "msg": values.get("attack") or values.get("msg"),
        "sid": values.get("attackid"),
        "fortigate_category": group if colon else None,
    }


def _malicious_url(values: dict[str, str]) -> dict[str, Any]:
    return {"msg": values.get("msg"), "sid": values.get("attackid"), "fortigate_category": values.get("eventtype")}


def _url_filter(values: dict[str, str]) -> dict[str, Any]:
    return {
        "cid": values.get("cat"),
        "cname": values.get("catdesc"),
        "ctype": values.get("eventtype"),
        "msg": values.get("msg"),
    }


def _app_guard(values: dict[str, str]) -> dict[str, Any]:
    return {
        "app": values.get("app"),
        "aid": values.get("appid"),
        "atype": values.get("appcat"),
        "msg": values.get("msg"),
    }


_BY_FUNCTION: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
    "antivirus": _antivirus,
    "ips": _intrusion,
    "web_guard": _malicious_url,
    "url_filter": _url_filter,
    "app_guard": _app_guard,
}


def _action(action: str) -> str:
    known = action.lower()
    return "pass" if known in _PASSED else "block" if known in _BLOCKED else str(clean(action, LIMIT) or "unknown")


def _is_high(values: dict[str, str], function: str | None) -> bool:
    levels = [values[key] for key in ("severity", "crlevel", "apprisk") if values.get(key)]
    return levels[0].lower() in {"high", "critical"} if levels else function == "antivirus"


def _url(values: dict[str, str]) -> str | None:
    """Return host and path; a path may also be a complete URL."""
    host, path = values.get("hostname", ""), values.get("url", "")
    return host + path if not path or path.startswith("/") else path


def _port(text: str | None) -> int | None:
    number = int(text) if text and text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)) else None
    return number if number is not None and number <= MAX_PORT else None


def _shortened(text: str | None, limit: int) -> str | None:
    return text[:limit] if text else None
