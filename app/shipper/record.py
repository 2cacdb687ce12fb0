"""Decodes the text of one EVE record, and says in a few words why it cannot."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

MAX_RECORD = 1024 * 1024
TOO_MANY_DIGITS = "a number with too many digits"

# Bytes that are not UTF-8 become these while decoding, so that one such byte costs one record and not the file.
_STRAY_BYTE = re.compile("[\udc80-\udcff]")


class BrokenError(Exception):
    """A record cannot be read; the text says why."""


def _refuse_constant(name: str) -> NoReturn:
    raise BrokenError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def decode(line: str, max_record: int = MAX_RECORD) -> dict[str, Any]:
    """Return the record that a line is.

    :param max_record: the longest record that is read, in characters.
    :raises BrokenError: it is none.
    """
    if len(line) > max_record:
        raise BrokenError(too_long(max_record))
    try:
        return as_record(DECODER.decode(line), line)
    except RecursionError:
        raise BrokenError("nested too deeply") from None
    except json.JSONDecodeError as error:
        raise BrokenError(f"not JSON ({error.msg})") from None
    except ValueError:
        raise BrokenError(TOO_MANY_DIGITS) from None


def as_record(value: object, text: str) -> dict[str, Any]:
    """Return a decoded value if it is a record.

    :param text: what it was decoded from, with bytes that are not UTF-8 as lone surrogates.
    :raises BrokenError: it is none.
    """
    if not text.isascii() and _STRAY_BYTE.search(text):
        raise BrokenError("not UTF-8")
    if not isinstance(value, dict):
        raise BrokenError("not a JSON object")
    return value


def too_long(max_record: int) -> str:
    """Say that a record is longer than it may be."""
    return f"longer than {max_record:,} characters"
