"""Problem details (RFC 9457), the format of the APIs' error responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import Response, g, jsonify


class FieldError(NamedTuple):
    """What is wrong with a member of the body, or with a header.

    :ivar field: its name; ``deliveries[0].postcode`` for a member of an object in a list.
    """

    field: str
    detail: str


class CallRefused(Exception):
    """A call is refused; nothing has been changed.

    :param status: the HTTP status.
    :param title: the kind of problem, in a few words.
    :param detail: the explanation of this occurrence.
    :param errors: the members or headers that are wrong.
    """

    def __init__(self, status: int, title: str, detail: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors

    def response(self) -> Response:
        """Return the response. ``field`` and ``detail`` are those of the first error."""
        more: dict[str, Any] = {"detail": self.detail} if self.detail else {}
        if self.errors:
            first = self.errors[0]
            more = {"field": first.field, "detail": first.detail, "errors": [each._asdict() for each in self.errors]}
        return problem(self.status, self.title, **more)


def problem(status: int, title: str, **more: Any) -> Response:
    """Return an error response.

    :param title: the kind of problem, in a few words.
    :param more: further members, such as ``detail``, the explanation of this occurrence.
    """
    response = jsonify(status=status, title=title, request_id=g.get("request_id"), **more)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response
