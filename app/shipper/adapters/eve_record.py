"""Finds the EVE records in a line.

A line is usually one record. But if the writer is killed, it leaves an incomplete record, and the next one is appended to it; a power
failure or a truncated file leaves NUL bytes; and a syslog server adds a header to each record. So if a line is not exactly one record, it is
searched for records.

Suricata writes ``timestamp`` as the first key of a record, but other programs write the keys in another order (``jq -S`` sorts them). So
after a failure, every object is tried. Quotation marks within JSON strings are escaped, so that text which an attacker controls is not
mistaken for the start of an object; and a nested object of a broken record has no event type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from app.shipper.log_reader import BLANK, MAX_RECORD, UnreadableRecordError, too_long

TOO_MANY_DIGITS = "a number with too many digits"
MAX_OPEN_BRACKETS = 500
"""Half of the nesting depth at which Python's decoder gives up; it has then read at least so many opening brackets."""

FIRST_KEY = re.compile(r'\{\s{0,200}"([^"\\]{1,64})"')
_OBJECT = re.compile(r'\{\s*["}]')
_BRACE = re.compile(r"[{}]")
_ANY_OBJECT = re.compile(r'\{\s{0,200}"')
_DROPPED = 65_536
_MOST_PASSES = 20
"""How often a line's length may be decoded in vain before only the usual starts of records are tried: the objects of a hostile line
can be nested so that each of them fails at its end."""
_SEPARATORS = re.compile(r"[\s,\]\x00-\x1f\ufeff]*")


def _refuse_constant(name: str) -> NoReturn:
    raise UnreadableRecordError(f"{name} is not JSON")


# Not strict, to accept control characters in strings; they are removed later.
DECODER = json.JSONDecoder(strict=False, parse_constant=_refuse_constant)


def records_in(line: str, max_record: int = MAX_RECORD) -> Iterator[dict[str, Any] | UnreadableRecordError]:
    """Yield the records of a line, and an UnreadableRecordError in place of each one that cannot be read.

    :param line: may contain lone surrogates for bytes that are not valid UTF-8.
    :param max_record: maximum length of a record, in characters.
    """
    line = line.strip(BLANK)
    if (whole := _single_record(line, max_record)) is not None:
        yield whole
        return
    if line:
        yield from _Search(line, max_record).records()


def record_start(text: str, at: int) -> re.Pattern[str]:
    """Return a pattern of the start of a record: its first key is ``timestamp``, ``event_type`` or that of the object at a place."""
    keys = ["timestamp", "event_type"]
    if first := FIRST_KEY.match(text, at):
        keys.append(re.escape(first[1]))
    return re.compile(r"\{\s{0,200}\"(?:" + "|".join(keys) + r")\"\s{0,200}:")


def as_record(value: object) -> dict[str, Any]:
    """Return a decoded value if it is a record.

    :raises UnreadableRecordError: it is not a JSON object.
    """
    if not isinstance(value, dict):
        raise UnreadableRecordError("not a JSON object")
    return value


def _single_record(line: str, max_record: int) -> dict[str, Any] | None:
    """Return the record if the line is exactly one, as nearly all lines are; otherwise None."""
    try:
        value = DECODER.decode(line) if len(line) <= max_record else None
    except (UnreadableRecordError, RecursionError, ValueError):
        return None
    return value if isinstance(value, dict) else None


class _FailedError(Exception):
    """An object could not be decoded.

    :ivar at: where decoding failed.
    :ivar next_at: the earliest place of the next object.
    """

    def __init__(self, reason: str, at: int, next_at: int) -> None:
        super().__init__(reason)
        self.at = at
        self.next_at = next_at


def _decode(line: str, at: int) -> tuple[dict[str, Any], int]:
    """Return the object that starts at a place, and its end."""
    try:
        return DECODER.raw_decode(line, at)
    except RecursionError:
        # A smaller step would decode the same nested object again and again.
        raise _FailedError("nested too deeply", len(line), at + MAX_OPEN_BRACKETS) from None
    except json.JSONDecodeError as error:
        raise _FailedError(f"not JSON ({error.msg})", error.pos, at + 1) from None
    except UnreadableRecordError as error:
        raise _FailedError(str(error), at, at + 1) from None
    except ValueError:
        raise _FailedError(TOO_MANY_DIGITS, at, at + 1) from None


class _Search:
    """Searches a line for records.

    After unreadable text, only an object with an event type, and with a time or the usual first key, counts as a record: others may be
    nested objects of a broken record.
    """

    def __init__(self, line: str, max_record: int) -> None:
        self._line = line
        self._max_record = max_record
        self._damaged = False
        self._failed_at = -1
        self._budget = _MOST_PASSES * len(line)
        self._start = record_start(line, 0)

    def records(self) -> Iterator[dict[str, Any] | UnreadableRecordError]:
        """Yield the records, and an UnreadableRecordError in place of each one that cannot be read."""
        first = _OBJECT.search(self._line)
        if first is None:
            yield UnreadableRecordError(_describe_failure(self._line))
            return
        at: int | None = first.start()
        self._start = record_start(self._line, first.start())
        # Text before the first object may be a header, which has no braces, or the end of a record, of which the object is a part.
        unsure = first.start() > 0
        if _BRACE.search(self._line, 0, first.start()):
            yield self._report_damage("incomplete")
            at = self._next_start(0)
        while at is not None:
            at = self._without_start(at)
            try:
                value, end = _decode(self._line, at)
            except _FailedError as failed:
                # If it is the same place, an object around this one was reported already. One with an unusual first key is a part of
                # a broken record that was.
                if failed.at != self._failed_at and not (self._damaged and not self._start.match(self._line, at)):
                    yield self._report_damage(str(failed))
                self._failed_at = failed.at
                # Where it failed is not always known. Then it is taken for the end of the line.
                self._budget -= (failed.at if failed.at > at else len(self._line)) - at
                at = self._next_start(failed.next_at)
            else:
                yield from self._check_object(value, at, end, unsure=unsure)
                at = self._after(end)
                if at is not None and not _OBJECT.match(self._line, at):
                    yield from self._check_gap(at)
                    at = self._next_start(at)
            unsure = False

    def _check_object(
        self, value: dict[str, Any], at: int, end: int, *, unsure: bool
    ) -> Iterator[dict[str, Any] | UnreadableRecordError]:
        if end - at > self._max_record:
            yield UnreadableRecordError(too_long(self._max_record))
        elif self._is_record(value, at) or not (unsure or self._damaged):
            self._damaged = False
            if "event_type" in value:
                self._start = record_start(self._line, at)
            yield value
        elif not self._damaged:
            yield self._report_damage("incomplete")

    def _check_gap(self, at: int) -> Iterator[UnreadableRecordError]:
        """Report text between two records, unless it is the header of the second."""
        found = self._start.search(self._line, at)
        if not self._damaged and (found is None or _BRACE.search(self._line, at, found.start())):
            yield self._report_damage("text that is not a record")

    def _is_record(self, value: dict[str, Any], at: int) -> bool:
        return "event_type" in value and ("timestamp" in value or self._start.match(self._line, at) is not None)

    def _without_start(self, at: int) -> int:
        """Drop what was searched, now and then, and return the new place: each error of the decoder counts the lines before it."""
        if at < _DROPPED:
            return at
        self._line = self._line[at:]
        self._failed_at -= at
        return 0

    def _report_damage(self, reason: str) -> UnreadableRecordError:
        self._damaged = True
        return UnreadableRecordError(reason)

    def _next_start(self, at: int) -> int | None:
        start = _ANY_OBJECT if self._budget > 0 else self._start
        found = start.search(self._line, at)
        return found.start() if found else None

    def _after(self, end: int) -> int | None:
        """Return the place after a record and the separators that follow it; None at the end of the line."""
        found = _SEPARATORS.match(self._line, end)
        at = found.end() if found else end
        return at if at < len(self._line) else None


def _describe_failure(line: str) -> str:
    """Return why a line without an object is not a record."""
    try:
        DECODER.decode(line)
    except RecursionError:
        return "nested too deeply"
    except json.JSONDecodeError as error:
        return f"not JSON ({error.msg})"
    except UnreadableRecordError as error:
        return str(error)
    except ValueError:
        return TOO_MANY_DIGITS
    return "not a JSON object"
