"""Structured logs: one JSON object per line, the same request ID from proxy to job, no personal data."""

from __future__ import annotations

import logging
import re
import secrets
import time

from flask import Flask, Response, g, has_request_context, request
from pythonjsonlogger.json import JsonFormatter

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

log = logging.getLogger("portal.request")


class _RequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if has_request_context() and not hasattr(record, "request_id"):
            record.request_id = g.get("request_id")
        return True


def init_app(app: Flask) -> None:
    """Assign an ID to every request and log its outcome."""
    app.before_request(_begin)
    app.after_request(_end)
    # When a view is registered, FAB creates filters for all columns and warns about types it has none for, like lists.
    logging.getLogger("flask_appbuilder.models.filters").setLevel(logging.ERROR)


def configure(level: str = "INFO") -> None:
    """Log to stderr as JSON lines. Called by the entry point of the process, not by the application factory."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        JsonFormatter(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )
    )
    handler.addFilter(_RequestId())
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _begin() -> None:
    # Use the proxy's ID only if it is well-formed; otherwise it could forge log lines.
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    g.request_began = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if request.endpoint != "static":
        log.info(
            "request",
            extra={
                "method": request.method,
                # The route instead of the path, because paths contain identifiers of personal data.
                "route": str(request.url_rule) if request.url_rule else None,
                "status": response.status_code,
                "ms": round((time.perf_counter() - g.get("request_began", time.perf_counter())) * 1000),
            },
        )
    return response
