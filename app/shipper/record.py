"""Finds the EVE records of a line, and says in a few words why one cannot be read.

A line is usually one record. But a writer that is killed leaves half a record, to which the next one is appended; padding with NUL bytes
is what a loss of power or an emptied file leaves behind; and a syslog server puts a header before each. So where a line is not one record,
each one in it is looked for.

Suricata writes a record with ``timestamp`` first. Inside of a JSON string a quotation mark is escaped, so that neither a nested object nor
anything that an attacker has written to a log is taken for the start of a record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

MAX_RECORD = 1024 * 1024
TOO_MANY_DIGITS = "a number with too many digits"
MAX_OPEN_BRACKETS = 500
"""Half of what Python's decoder can do: where it gives up, at least so many characters are brackets that were opened."""

BLANK = "\ufeff\0 \t\r\n"
"""Characters around a record that mean nothing."""

FIRST_KEY = re.compile(r'\{\s{0,200}"([^"\\]{1,64})"')
_OBJECT = re.compile(r'\{\s*["}]')
_BRACE = re.compile(r"[{}]")
_BETWEEN = re.compile(r"[\s,\]\x00-\x1f\ufeff]*")


class BrokenError(Exception):
    """A record cannot be read; the text says why."""


def _refuse_constant(name: str) -> NoReturn:
    raise BrokenError(f"{name} is not JSON")


# Not strict: control characters in a string are replaced later, and must not cost the record.
DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse_constant)


def records_in(line: str, max_record: int = MAX_RECORD) -> Iterator[dict[str, Any] | BrokenError]:
    """Yield the records of a line, and in the place of each one that cannot be read the reason.

    :param line: bytes that are not UTF-8 may be in it as lone surrogates.
    :param max_record: the longest record that is read, in characters.
    """
    line = line.strip(BLANK)
    if (whole := _whole(line, max_record)) is not None:
        yield whole
        return
    if line:
        yield from _Search(line, max_record).records()


def record_start(text: str, at: int) -> re.Pattern[str]:
    """Return what the records of a text start with: ``timestamp``, ``event_type``, or what the object at a place starts with."""
    keys = ["timestamp", "event_type"]
    if first := FIRST_KEY.match(text, at):
        keys.append(re.escape(first[1]))
    return re.compile(r"\{\s{0,200}\"(?:" + "|".join(keys) + r")\"\s{0,200}:")


def as_record(value: object) -> dict[str, Any]:
    """Return a decoded value if it is a record.

    :raises BrokenError: it is none.
    """
    if not isinstance(value, dict):
        raise BrokenError("not a JSON object")
    return value


def too_long(max_record: int) -> str:
    """Say that a record is longer than it may be."""
    return f"longer than {max_record:,} characters"


def _whole(line: str, max_record: int) -> dict[str, Any] | None:
    """Return the record that a line is, as nearly all are; None when it is none, or more than one."""
    try:
        value = DECODER.decode(line) if len(line) <= max_record else None
    except (BrokenError, RecursionError, ValueError):
        return None
    return value if isinstance(value, dict) else None


class _FailedError(Exception):
    """No object could be decoded.

    :ivar at: where decoding failed.
    :ivar go_on: where the next object may start at the earliest.
    """

    def __init__(self, reason: str, at: int, go_on: int) -> None:
        super().__init__(reason)
        self.at = at
        self.go_on = go_on


def _decode(line: str, at: int) -> tuple[dict[str, Any], int]:
    """Return the object that starts at a place, and where it ends."""
    try:
        return DECODER.raw_decode(line, at)
    except RecursionError:
        # Looking for the next object step by step would decode the same nest again and again.
        raise _FailedError("nested too deeply", len(line), at + MAX_OPEN_BRACKETS) from None
    except json.JSONDecodeError as error:
        raise _FailedError(f"not JSON ({error.msg})", error.pos, at + 1) from None
    except BrokenError as error:
        raise _FailedError(str(error), at, at + 1) from None
    except ValueError:
        raise _FailedError(TOO_MANY_DIGITS, at, at + 1) from None


class _Search:
    """Looks for the records of a line that is not just one.

    After damage, only an object that names its event type is a record: others may be nested objects of a broken one.
    """

    def __init__(self, line: str, max_record: int) -> None:
        self._line = line
        self._max_record = max_record
        self._damaged = False
        self._failed_at = -1
        self._start = record_start(line, 0)

    def records(self) -> Iterator[dict[str, Any] | BrokenError]:
        """Yield the records, and in the place of each one that cannot be read the reason."""
        first = _OBJECT.search(self._line)
        if first is None:
            yield BrokenError(_why_none(self._line))
            return
        at: int | None = first.start()
        self._start = record_start(self._line, first.start())
        # What precedes may be a header, which has no braces, or a part of a record, of which this is a nested object.
        unsure = first.start() > 0
        if _BRACE.search(self._line, 0, first.start()):
            yield self._damage("incomplete")
            at = self._next_start(0)
        while at is not None:
            try:
                value, end = _decode(self._line, at)
            except _FailedError as failed:
                # An object around this one has failed for the same reason.
                if failed.at != self._failed_at:
                    yield self._damage(str(failed))
                self._failed_at = failed.at
                at = self._next_start(failed.go_on)
            else:
                yield from self._judge(value, end - at, unsure=unsure)
                at = self._after(end)
                if at is not None and not _OBJECT.match(self._line, at):
                    yield from self._judge_text(at)
                    at = self._next_start(at)
            unsure = False

    def _judge(self, value: dict[str, Any], length: int, *, unsure: bool) -> Iterator[dict[str, Any] | BrokenError]:
        if length > self._max_record:
            yield BrokenError(too_long(self._max_record))
        elif "event_type" in value or not (unsure or self._damaged):
            self._damaged = False
            yield value
        elif not self._damaged:
            yield self._damage("incomplete")

    def _judge_text(self, at: int) -> Iterator[BrokenError]:
        """Tell of text between two records, unless it is the header of the second."""
        until = self._next_start(at)
        if not self._damaged and (until is None or _BRACE.search(self._line, at, until)):
            yield self._damage("text that is no record")

    def _damage(self, reason: str) -> BrokenError:
        self._damaged = True
        return BrokenError(reason)

    def _next_start(self, at: int) -> int | None:
        found = self._start.search(self._line, at)
        return found.start() if found else None

    def _after(self, end: int) -> int | None:
        """Return where the text after a record goes on; None when there is none."""
        found = _BETWEEN.match(self._line, end)
        at = found.end() if found else end
        return at if at < len(self._line) else None


def _why_none(line: str) -> str:
    """Say why a line without an object is no record."""
    try:
        DECODER.decode(line)
    except RecursionError:
        return "nested too deeply"
    except json.JSONDecodeError as error:
        return f"not JSON ({error.msg})"
    except BrokenError as error:
        return str(error)
    except ValueError:
        return TOO_MANY_DIGITS
    return "not a JSON object"
