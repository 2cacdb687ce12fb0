"""Problem details (RFC 9457), the format of the APIs' error responses."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify


def problem(status: int, title: str, **more: Any) -> Response:
    """Return an error response.

    :param title: the kind of problem, in a few words.
    :param more: further members, such as ``detail``, the explanation of this occurrence.
    """
    response = jsonify(status=status, title=title, request_id=g.get("request_id"), **more)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response
