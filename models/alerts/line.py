"""Parse one alert line of a UTM into the values of a row.

An invalid line raises ``BadLine`` with a reason that its sender can act on, and does not affect the other lines.
"""

from __future__ import annotations

import ipaddress
import json
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from models.alerts import level_decision
from models.alerts.alert import ACTION_LABELS, AlertLevel, SecurityFunction
from models.alerts.level_decision import LevelDecider
from models.alerts.level_policy import FIRST, LevelPolicy

MAX_LINE_BYTES = 64 * 1024
_MAX_EXTRA_BYTES = 8 * 1024

# The text columns, by the key of §13.1: (column, maximum number of characters).
_TEXTS = {
    "src-mac": ("src_mac", 64),
    "dst-mac": ("dst_mac", 64),
    "xff": ("xff", 255),
    "iif": ("iif", 255),
    "proto": ("proto", 255),
    "L7_proto": ("l7_proto", 255),
    "virus": ("virus", 512),
    "vid": ("vid", 255),
    "file": ("file", 512),
    "severity": ("severity", 255),
    "subject": ("subject", 512),
    "date": ("mail_date", 255),
    "msg": ("msg", 512),
    "sid": ("sid", 255),
    "url": ("url", 2048),
    "cid": ("cid", 255),
    "gid": ("gid", 255),
    "app": ("app", 512),
    "aid": ("aid", 255),
    "bid": ("bid", 255),
    "ctype": ("ctype", 255),
    "cname": ("cname", 512),
    "atype": ("atype", 255),
}
_ADDRESSES = {"src-ip": "src_ip", "dst-ip": "dst_ip"}
_PORTS = {"src-port": "src_port", "dst-port": "dst_port"}
# device_name is the UTM's own name for itself. Screens show the name registered here, so it is treated as unknown.
_OWN = {"alert_id", "time", "type", "act", "alert_severity"}
_TEXT_LIMITS = [(key, limit) for key, (_, limit) in _TEXTS.items()]
_TEXT_COLUMNS = tuple(column for column, _ in _TEXTS.values())
_KNOWN = _OWN | _TEXTS.keys() | _ADDRESSES.keys() | _PORTS.keys()

COLUMNS = (
    "alert_id",
    "occurred_at",
    "function",
    "action",
    "level",
    "sender_level",
    *_ADDRESSES.values(),
    *_PORTS.values(),
    *_TEXT_COLUMNS,
    "extra",
)
"""The columns that a line fills, in the order of the values that ``parse`` returns."""


# A NUL escape in JSON, but not the same characters after an escaped backslash.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_LEAP_SECOND = re.compile(r"^(.{10}T[0-9]{2}:[0-9]{2}):60")
_PLAIN = frozenset({str, int, bool, type(None)})
_FUNCTIONS = frozenset(SecurityFunction)
_LEVELS = frozenset(AlertLevel)


class BadLine(Exception):
    """An invalid line; the text of the exception is the reason."""


def level_decider(policy: LevelPolicy) -> LevelDecider:
    """Return the rules of a policy for ``parse``."""
    return level_decision.level_decider(policy, _TEXT_COLUMNS)


def parse(
    raw: bytes,
    *,
    oldest: datetime,
    newest: datetime,
    levels: LevelDecider = level_decider(FIRST),  # noqa: B008  (a constant)
) -> tuple[Any, ...]:
    """Parse a line.

    :param raw: the line without its line break.
    :param oldest: the earliest accepted time.
    :param newest: the latest accepted time.
    :param levels: decides the level; by default the first policy.
    :returns: the values of ``COLUMNS``.
    :raises BadLine: the line is not a valid alert.
    """
    line = json_object(raw)
    # Only escapes can contain characters that PostgreSQL cannot store, and most senders do not use them.
    escaped = b"\\u" in raw
    occurred_at = parse_time(line.get("time"), "time")
    if occurred_at < oldest:
        raise BadLine("time: older than the retention period")
    if occurred_at > newest:
        raise BadLine("time: more than a day ahead of the server")
    sender_level = _sender_level(line.get("alert_severity"))
    alert_id = required_text(line, "alert_id", 64, escaped=escaped)
    function = _function(line.get("type"))
    action = _action(line, escaped=escaped)
    addresses = [_address(line.get(key), key, escaped=escaped) for key in _ADDRESSES]
    ports = [_port(line.get(key), key) for key in _PORTS]
    # Most keys are missing or valid in most lines; checking them inline saves a function call for each.
    texts = [
        value
        if (value := line.get(key)) is None or (type(value) is str and 0 < len(value) <= limit and not escaped)
        else _text(value, key, limit, escaped=escaped)
        for key, limit in _TEXT_LIMITS
    ]
    level = levels.level(function, sender_level, action, texts)
    extra = None if line.keys() <= _KNOWN else _extra(line)
    return alert_id, occurred_at, function, action, level, sender_level, *addresses, *ports, *texts, extra


def json_object(raw: bytes) -> dict[str, Any]:
    """Return the keys and values of a line.

    :raises BadLine: the line is not a JSON object, or too long.
    """
    if len(raw) > MAX_LINE_BYTES:
        raise BadLine(f"longer than {MAX_LINE_BYTES} bytes")
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        line = None
    if type(line) is dict and _PLAIN.issuperset(map(type, line.values())):
        return line
    # The slower parser explains what is wrong. It also keeps long integers, which orjson turns into floats.
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadLine("not UTF-8") from None
    try:
        line = _JSON.decode(text)
    except RecursionError:
        raise BadLine("nested too deeply") from None
    except ValueError:
        raise BadLine("not JSON") from None
    if not isinstance(line, dict):
        raise BadLine("not a JSON object")
    return line


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _check_storable(text: str, key: str) -> None:
    if "\0" in text:
        raise BadLine(f"{key}: contains a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadLine(f"{key}: contains a lone surrogate") from None


def _text(value: Any, key: str, limit: int, *, escaped: bool) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadLine(f"{key}: not a string")
    text = str(value)
    if escaped:
        _check_storable(text, key)
    if len(text) > limit:
        raise BadLine(f"{key}: longer than {limit} characters")
    return text


def required_text(line: dict[str, Any], key: str, limit: int, *, escaped: bool) -> str:
    """Return a text of a line.

    :param limit: the maximum number of characters.
    :param escaped: whether the line contains escapes, so that the text must be checked for what cannot be stored.
    :raises BadLine: it is missing, blank, too long or cannot be stored.
    """
    text = _text(line.get(key), key, limit, escaped=escaped)
    if text is None or not text.strip():
        raise BadLine(f"{key}: missing")
    return text


def _action(line: dict[str, Any], *, escaped: bool) -> str:
    """Return the action as sent; Pass and Block in lower case, so that sorting keeps them together."""
    text = required_text(line, "act", 32, escaped=escaped)
    return small if (small := text.lower()) in ACTION_LABELS else text


def parse_time(value: Any, key: str) -> datetime:
    """Return the time of a line in UTC.

    :param key: its key in the line, for the reason.
    :raises BadLine: it is missing, or not a time in the format of ISO 8601.
    """
    if value is None or value == "":
        raise BadLine(f"{key}: missing")
    if not isinstance(value, str):
        raise BadLine(f"{key}: not an ISO 8601 string")
    try:
        moment = _moment(value)
        # A time without an offset is in UTC.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadLine(f"{key}: not an ISO 8601 string") from None


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # RFC 3339 also allows a lower-case z, and leap seconds, which count as the first second of the next minute.
        plain, leaps = _LEAP_SECOND.subn(r"\1:59", text.upper())
        return datetime.fromisoformat(plain) + timedelta(seconds=leaps)


def _function(value: Any) -> str:
    if value is None or value == "":
        raise BadLine("type: missing")
    if not isinstance(value, str) or value not in _FUNCTIONS:
        raise BadLine(f"type: not one of {', '.join(SecurityFunction)}")
    return value


def _sender_level(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value.lower() not in _LEVELS:
        raise BadLine("alert_severity: not one of high, low")
    return value.lower()


def _address(value: Any, key: str, *, escaped: bool) -> str | None:
    text = _text(value, key, 64, escaped=escaped)
    if text is None:
        return None
    try:
        return _normal_address(text)
    except ValueError:
        raise BadLine(f"{key}: not an IP address") from None


@lru_cache(16_384)
def _normal_address(text: str) -> str:
    """Normalize an IP address. The cache helps because a network has few distinct addresses.

    :raises ValueError: the text is not an IP address.
    """
    # A zone index (fe80::1%eth0) names a network interface of the sender; PostgreSQL does not store it.
    return str(ipaddress.ip_address(text.partition("%")[0]))


def _port(value: Any, key: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise BadLine(f"{key}: not a port number")
    try:
        port = int(value)
    except (ValueError, TypeError):
        raise BadLine(f"{key}: not a port number") from None
    if not 0 <= port <= 65535:
        raise BadLine(f"{key}: not a port number")
    return port


def _extra(line: dict[str, Any]) -> str:
    extra = {key: value for key, value in line.items() if key not in _KNOWN}
    try:
        # Without \\u escapes, so that encoding fails for characters that cannot be stored.
        text = json.dumps(extra, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size = len(text.encode("utf-8"))
    except (ValueError, RecursionError):
        raise BadLine("unknown keys hold something that cannot be stored") from None
    if size > _MAX_EXTRA_BYTES:
        raise BadLine(f"unknown keys: more than {_MAX_EXTRA_BYTES} bytes")
    if _ESCAPED_NUL.search(text):
        raise BadLine("unknown keys: contain a NUL character")
    return text
