"""The application factory."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Create the application.

    :param settings: values that override the settings from the environment; used by tests.
    :raises config.SettingError: a setting in the environment is missing or invalid.
    """
    with _exempt_from_garbage_collection():
        return _load(settings or {})


@contextmanager
def _exempt_from_garbage_collection() -> Iterator[None]:
    """Load the application without garbage collection, and exempt it from later ones.

    Hardly any of what is loaded is garbage, and examining it takes a fifth of the time of a start, and later of a heartbeat.
    """
    gc.disable()
    try:
        yield
    finally:
        # A second application in the process, as in tests, is not exempt: it may become garbage.
        if gc.get_freeze_count() == 0:
            gc.freeze()
        gc.enable()


def _load(settings: Mapping[str, Any]) -> Flask:
    import config
    from app import cli, extensions, logs, routes
    from app.background import enqueue_after_commit
    from app.database import role_check
    from app.web import (
        access,
        errors,
        headers,
        landing,
        page_context,
        proxy,
        request_metrics,
        service_metrics,
        static_files,
        url_converters,
    )

    app = Flask(__name__, static_url_path=static_files.URL_PATH)
    app.config.from_mapping(config.load())
    app.config.from_mapping(settings)

    proxy.init_app(app)
    if app.config["TRACING"]:
        # Only then are its packages required, and loaded.
        from app import tracing

        tracing.init_app(app)
    logs.init_app(app)
    request_metrics.init_app(app)
    proxy.refuse_bad_hosts(app)
    headers.init_app(app)
    static_files.init_app(app)
    access.init_app(app)
    url_converters.init_app(app)
    extensions.init_app(app)
    request_metrics.count_statements(app)
    service_metrics.init_app(app)
    if app.config["TRACING"]:
        tracing.trace_services(app)
    enqueue_after_commit.init_app(app)
    routes.init_app(app)
    errors.init_app(app)
    landing.init_app(app)
    page_context.init_app(app)
    cli.init_app(app)
    role_check.init_app(app)
    return app
