"""Problem details (RFC 9457): how the APIs say what went wrong."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify


def problem(status: int, title: str, **more: Any) -> Response:
    """An answer that says what went wrong.

    :param title: the kind of problem, in a few words.
    :param more: further members, as ``detail``: what went wrong this time.
    """
    response = jsonify(status=status, title=title, request_id=g.get("request_id"), **more)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response
