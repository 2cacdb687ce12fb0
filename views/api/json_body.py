"""Reading the JSON body of a call: every member is checked, and every error is reported with its name."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from flask import request

from views.api.problem import CallRefused, FieldError

MAX_BYTES = 128 * 1024
"""The maximum size of a body."""


def json_object() -> dict[str, Any]:
    """Return the body of the request, which must be a JSON object. Without a body, it is an empty one.

    :raises CallRefused: it is not.
    """
    request.max_content_length = MAX_BYTES
    raw = request.get_data(cache=True)
    if not raw:
        return {}
    if request.mimetype != "application/json":
        raise CallRefused(415, "The content type must be application/json.")
    try:
        # Python's reader would take NaN and Infinity too.
        body = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise CallRefused(400, "The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise CallRefused(400, "The body is not a JSON object.")
    return body


def _refuse(constant: str) -> None:
    raise ValueError(constant)


class Members:
    """The members of a JSON object, and what is wrong with them.

    :param body: the object.
    :param path: its name within the body, with a dot at the end; empty for the body itself.
    :ivar errors: the errors found so far.
    """

    def __init__(self, body: Mapping[str, Any], path: str = "") -> None:
        self._body = body
        self._path = path
        self.errors: list[FieldError] = []

    def only(self, known: Collection[str]) -> None:
        """Report members with other names, which are most likely misspelled."""
        for name in self._body:
            if name not in known:
                self.wrong(_shown(name), "There is no such member.")

    def wrong(self, name: str, detail: str) -> None:
        """Report an error of a member."""
        self.errors.append(FieldError(f"{self._path}{name}", detail))

    def text(self, name: str, *, required: bool = True, most: int | None = None) -> str:
        """Return a text; empty, with an error, if it is missing or is none that can be stored."""
        value = self._body.get(name, None if required else "")
        if value is None:
            self.wrong(name, "This member is required.")
        elif not isinstance(value, str):
            self.wrong(name, "This is not a text.")
        elif "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
            self.wrong(name, "This text contains characters that cannot be stored.")
        elif most is not None and len(value) > most:
            self.wrong(name, f"This text has more than {most} characters.")
        else:
            return value
        return ""

    def whole_number(self, name: str, *, least: int, most: int) -> int:
        """Return a whole number; ``least``, with an error, if it is missing or out of range."""
        value = self._body.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        # True and False are whole numbers in Python.
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self.wrong(name, f"This is not a whole number from {least} to {most}.")
            return least
        return value

    def objects(self, name: str, *, most: int) -> list[Members]:
        """Return the objects of a list with at least one; empty, with an error, if it is something else."""
        value = self._body.get(name)
        if (
            not isinstance(value, list)
            or not 1 <= len(value) <= most
            or not all(isinstance(one, dict) for one in value)
        ):
            self.wrong(name, f"This is not a list of 1 to {most} objects.")
            return []
        return [Members(one, f"{self._path}{name}[{place}].") for place, one in enumerate(value)]

    def check(self) -> None:
        """Refuse the call if there are errors.

        :raises CallRefused: there are.
        """
        if self.errors:
            raise CallRefused(422, "The body has errors.", errors=self.errors)


def _shown(name: str) -> str:
    """Return the name of an unknown member so that it fits into a response."""
    return name.encode("utf-8", "replace").decode()[:100]
