"""Structured logs: one JSON object per line, the same request ID from proxy to job, no personal data."""

from __future__ import annotations

import logging
import re
import secrets
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from flask import Flask, Response, g, has_app_context, has_request_context, request
from pythonjsonlogger.json import JsonFormatter

from models import request_id

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_MAX_FRAMES = 30
_ROOT = Path(__file__).parents[1]
# gunicorn's messages about requests it cannot serve contain their URLs with the search conditions, or parts of them.
_ABOUT_REQUESTS = ("Error handling request", "Invalid request")

log = logging.getLogger("portal.request")


class _Origin(logging.Filter):
    """Adds the ID of the request, and in a worker the job with its ID."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            if has_request_context():
                record.request_id = g.get("request_id")
            elif (found := request_id.current()) is not None:
                record.request_id = found
        if has_app_context() and (job := g.get("job")) is not None:
            for name, value in job.items():
                record.__dict__.setdefault(name, value)
        return True


class _NoValues(logging.Filter):
    """Removes all details from gunicorn's messages about requests it cannot serve."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "gunicorn.error" and str(record.msg).startswith(_ABOUT_REQUESTS):
            record.msg, record.args = next(each for each in _ABOUT_REQUESTS if str(record.msg).startswith(each)), ()
        return True


class _Lines(JsonFormatter):
    """Formats a record as one line. Of exceptions only class and place are logged: messages may contain personal data."""

    def formatException(self, ei: Any) -> str:  # noqa: N802  (the name it has in logging)
        """Return the classes and places of an exception and its causes, the latest first."""
        told: list[str] = []
        error: BaseException | None = ei[1]
        while error is not None and len(told) < _MAX_FRAMES:
            told.append(f"{type(error).__name__} at {_places(error.__traceback__)}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "; after ".join(told)


def _places(where: TracebackType | None) -> str:
    frames = traceback.extract_tb(where)[-_MAX_FRAMES:]
    return " > ".join(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)


def _short(name: str) -> str:
    path = Path(name)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else "/".join(path.parts[-3:])


def init_app(app: Flask) -> None:
    """Assign an ID to every request and log its outcome."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_leave)
    # app.web.errors logs unexpected errors; Flask would log them again, with the URL of the page.
    app.log_exception = _leave_to_error_pages  # type: ignore[method-assign]
    # When a view is registered, FAB creates filters for all columns and warns about unsupported types, such as lists.
    logging.getLogger("flask_appbuilder.models.filters").setLevel(logging.ERROR)


def _leave_to_error_pages(exc_info: Any) -> None:
    """Log nothing; replaces ``Flask.log_exception``."""


def configure(level: str = "INFO") -> None:
    """Send the log of this process to stderr as JSON lines. The entry points of processes call it, not the factory."""
    logging.basicConfig(level=level, handlers=[json_handler()], force=True)
    # It logs every view when a process starts.
    logging.getLogger("flask_appbuilder").setLevel(logging.WARNING)
    # It logs the IP address whose limit was exceeded; the log of the request has the status.
    logging.getLogger("flask-limiter").setLevel(logging.WARNING)
    # It logs its plug-ins when a process starts.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def json_handler(stream: TextIO | None = None) -> logging.Handler:
    """Return a handler that writes records as JSON lines.

    :param stream: the output stream; stderr by default.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _Lines(
            "{asctime}{levelname}{name}{message}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )
    )
    handler.addFilter(_Origin())
    handler.addFilter(_NoValues())
    return handler


def _begin() -> None:
    # Use the proxy's ID only if it is well-formed; otherwise it could forge log lines.
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
    request_id.enter(g.request_id)
    g.request_began = time.perf_counter()


def _leave(_error: BaseException | None = None) -> None:
    request_id.enter(None)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if request.endpoint != "static":
        identity = g.get("identity")
        log.info(
            "request",
            extra={
                "method": request.method,
                # The route instead of the path, because paths contain identifiers of personal data.
                "route": str(request.url_rule) if request.url_rule else None,
                "status": response.status_code,
                "ms": round((time.perf_counter() - g.get("request_began", time.perf_counter())) * 1000),
                # The user's primary key, which is meaningless without access to the table.
                "user": identity.user.id if identity is not None else None,
            },
        )
    return response
