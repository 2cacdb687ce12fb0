"""Placeholders in mail texts: ``{{Name}}`` is replaced by plain text. There is no other markup."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from models.mail.kinds import MailKind, MailText

SECRET_MARK = "\ue000"  # nosec B105  # noqa: S105  (a mark, not a secret)
"""Replaces the secret part of a link in a stored body. A private-use character, which is removed from values."""

_OPENED = re.compile(r"\{\{(?:([A-Za-z]+)\}\})?")
_BLANK = r"[ \t\u3000]"
_LEFT, _RIGHT = "{\uff5b\ufe5b", "}\uff5d\ufe5c"  # also full-width and small ones
_OPENING = rf"[{_LEFT}](?:{_BLANK}*[{_LEFT}])*"
_CLOSING = rf"[{_RIGHT}](?:{_BLANK}*[{_RIGHT}])*"
# Anything in braces, and a word before closing braces.
_WRITTEN = re.compile(
    rf"(?P<opening>{_OPENING})(?P<name>[^{_LEFT}{_RIGHT}]*)(?P<closing>{_CLOSING})?"
    rf"|(?P<word>[A-Za-z\uff21-\uff3a\uff41-\uff5a]+)(?P<word_closing>{_BLANK}*{_CLOSING})"
)
_JOINTS = re.compile(r"[\s_.-]")
# The minimum similarity of a name to the one that was probably meant; 1 means equal.
_ALIKE = 0.7
_MAX_FOUND = 80
# Values must not inject these into a mail: line breaks where one line is expected, and control characters.
_LINE_BREAK = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANKS = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")
_TORN = ("Cc", "Cs")


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in a text.

    :param line: the line number, from 1.
    :param found: the faulty part of the text.
    :param closed: False if the closing braces are missing.
    :param meant: the name of the placeholder that was probably meant, None if there is none like it.
    """

    line: int
    found: str
    closed: bool
    meant: str | None = None


def faults(text: str, placeholders: Collection[str]) -> list[Fault]:
    """Return everything in a text that looks like a placeholder but is not one.

    That is every pair of opening braces, including full-width ones, that does not start a valid placeholder, and the
    name of a placeholder next to any other brace. Single braces around other words are text.
    """
    return [
        fault
        for number, line in enumerate(_LINE_BREAK.split(text), start=1)
        for written in _WRITTEN.finditer(line)
        if (fault := _fault(number, written, placeholders)) is not None
    ]


def _fault(number: int, written: re.Match[str], placeholders: Collection[str]) -> Fault | None:
    """Return the error in an expression in braces; None if it is a valid placeholder or plain text."""
    if written["opening"] is None:
        found, name, opened, closed = written[0], written["word"], 0, True
    else:
        closed = written["closing"] is not None
        name = written["name"] if closed else written["name"].strip().partition(" ")[0]
        found, opened = written[0].rstrip(), _count(written["opening"])
    if found == f"{{{{{name}}}}}" and name in placeholders:
        return None
    exactly = {_simplified(each): each for each in placeholders}
    meant = exactly.get(_simplified(name))
    if meant is None and opened < 2 and _count(written["word_closing"] or "") < 2:
        return None
    if meant is None:
        alike = difflib.get_close_matches(_simplified(name), list(exactly), n=1, cutoff=_ALIKE)
        meant = exactly[alike[0]] if alike else None
    if meant is None and opened < 2:
        return None
    if not closed and opened < 2:
        found = found[: found.index(name) + len(name)]
    return Fault(number, found[:_MAX_FOUND], closed, meant)


def _simplified(name: str) -> str:
    """Return a name without distinctions that are easily mistyped: width, case, blanks, dots, underscores and hyphens."""
    return _JOINTS.sub("", unicodedata.normalize("NFKC", name)).casefold()


def _count(braces: str) -> int:
    return len(_JOINTS.sub("", braces))


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
