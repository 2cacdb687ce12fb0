"""Placeholders in mail texts: ``{{Name}}`` is replaced as plain text, and nothing else is interpreted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from models.mail.kinds import MailKind, MailText

SECRET_MARK = "\ue000"  # noqa: S105  (a mark, not a secret)
"""Stands in a stored body where the secret part of a link goes; a private character that values cannot bring along."""

_OPENED = re.compile(r"\{\{(?:([A-Za-z]+)\}\})?")
# What a value must not bring into a mail: a second line where there is one, and what steers a terminal or a reader.
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANKS = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_TORN = ("Cc", "Cs")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a text.

    :param line: counted from 1.
    :param found: what stands there, from its braces on.
    :param closed: False where the closing braces are missing.
    """

    line: int
    found: str
    closed: bool


def faults(text: str, placeholders: Collection[str]) -> list[Fault]:
    """Every pair of opening braces in a text that does not begin one of the placeholders."""
    found = []
    for number, line in enumerate(_LINE_BREAK.split(text), start=1):
        for opened in _OPENED.finditer(line):
            if opened[1] in placeholders:
                continue
            end = line.find("}}", opened.start())
            found.append(Fault(number, line[opened.start() : end + 2 if end >= 0 else None][:80], closed=end >= 0))
    return found


def fill(text: MailText, kind: MailKind, values: Mapping[str, str]) -> MailText:
    """Put values into a text.

    A value is plain text: braces in it mean themselves. Values are of one line, except where the kind says otherwise;
    in a subject always.

    :param values: one for each of the kind's placeholders, and no other.
    :raises ValueError: a value is missing, or one too many.
    """
    if values.keys() != set(kind.placeholders):
        raise ValueError(f"{kind.name} needs the values {sorted(kind.placeholders)}, not {sorted(values)}.")
    flat = {name: one_line(value) for name, value in values.items()}
    in_body = flat | {name: several_lines(values[name]) for name in kind.lines}
    subject = None if text.subject is None else one_line(_replaced(text.subject, flat))
    return MailText(subject, _replaced(several_lines(text.body), in_body))


def one_line(value: str) -> str:
    """A value without line breaks and control characters: each run of breaks becomes a blank."""
    return _printable(_BLANKS.sub(" ", value)).strip()


def several_lines(value: str) -> str:
    """A value whose lines all end alike, without control characters."""
    return _printable(_LINE_BREAK.sub("\n", value))


def _replaced(text: str, values: Mapping[str, str]) -> str:
    return _OPENED.sub(lambda opened: values.get(opened[1] or "", opened[0]), text)


def _printable(text: str) -> str:
    return "".join(
        char for char in text if char in "\n\t" or (char != SECRET_MARK and unicodedata.category(char) not in _TORN)
    )
