"""Placeholders in mail texts: ``{{Name}}`` is replaced by plain text. There is no other markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from models.mail.kinds import MailKind, MailText

SECRET_MARK = "\ue000"  # noqa: S105  (a mark, not a secret)
"""Replaces the secret part of a link in a stored body. A private-use character, which is removed from values."""

_OPENED = re.compile(r"\{\{(?:([A-Za-z]+)\}\})?")
# What values must not inject into a mail: line breaks where one line is expected, and control characters.
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANKS = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_TORN = ("Cc", "Cs")


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in a text.

    :param line: the line number, from 1.
    :param found: the faulty part of the text, from its opening braces.
    :param closed: False if the closing braces are missing.
    """

    line: int
    found: str
    closed: bool


def faults(text: str, placeholders: Collection[str]) -> list[Fault]:
    """Return every pair of opening braces in a text that does not start a valid placeholder."""
    found = []
    for number, line in enumerate(_LINE_BREAK.split(text), start=1):
        for opened in _OPENED.finditer(line):
            if opened[1] in placeholders:
                continue
            end = line.find("}}", opened.start())
            found.append(Fault(number, line[opened.start() : end + 2 if end >= 0 else None][:80], closed=end >= 0))
    return found


def fill(text: MailText, kind: MailKind, values: Mapping[str, str]) -> MailText:
    """Replace the placeholders of a text.

    Values are plain text: braces in them have no meaning. They are reduced to one line, except for the body where the
    kind allows several lines.

    :param values: a value for each of the kind's placeholders, and no others.
    :raises ValueError: values are missing or unexpected.
    """
    if values.keys() != set(kind.placeholders):
        raise ValueError(f"{kind.name} needs the values {sorted(kind.placeholders)}, not {sorted(values)}.")
    flat = {name: one_line(value) for name, value in values.items()}
    in_body = flat | {name: several_lines(values[name]) for name in kind.lines}
    subject = None if text.subject is None else one_line(_replaced(text.subject, flat))
    return MailText(subject, _replaced(several_lines(text.body), in_body))


def one_line(value: str) -> str:
    """Return a value without control characters, with each run of line breaks replaced by a blank."""
    return _printable(_BLANKS.sub(" ", value)).strip()


def several_lines(value: str) -> str:
    """Return a value with uniform line breaks and without control characters."""
    return _printable(_LINE_BREAK.sub("\n", value))


def _replaced(text: str, values: Mapping[str, str]) -> str:
    return _OPENED.sub(lambda opened: values.get(opened[1] or "", opened[0]), text)


def _printable(text: str) -> str:
    return "".join(
        char for char in text if char in "\n\t" or (char != SECRET_MARK and unicodedata.category(char) not in _TORN)
    )
