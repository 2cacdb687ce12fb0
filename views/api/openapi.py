"""The OpenAPI documents of the APIs, as they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request


def described(description: Mapping[str, Any]) -> Response:
    """Return the description of the API whose document was requested.

    Its server is the URL below which the document is: a reverse proxy can give the portal a path of its own
    (``X-Forwarded-Prefix``).

    :param description: without ``servers``.
    """
    server = f"{request.root_path}{request.path}".rpartition("/")[0]
    return jsonify({**description, "servers": [{"url": server}]})
