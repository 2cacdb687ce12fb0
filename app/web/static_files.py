"""Serve stylesheets, scripts and icons at URLs that change with their content, and all stylesheets as one file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, request, send_from_directory

URL_PATH = "/static/<version>"
"""The version is in the path because scripts import each other by relative URLs, which keep a path but not a query."""

ALL_STYLESHEETS = "css/all.css"
"""The stylesheets one after another: a browser shows nothing before it has all of them, and on a phone each request takes time."""

STYLESHEETS = (
    "vendor/tabler/tabler.min.css",
    "css/variables.css",
    "css/base.css",
    "css/navigation.css",
    "css/header.css",
    "css/site-search.css",
    "css/dropdown.css",
    "css/page.css",
    "css/notices.css",
    "css/buttons.css",
    "css/badges.css",
    "css/forms.css",
    "css/search.css",
    "css/tables.css",
    "css/table-cards.css",
    "css/tickets.css",
    "css/alerts.css",
    "css/details.css",
    "css/tabs.css",
    "css/dialogs.css",
    "css/mail.css",
    "css/dashboard.css",
    "css/charts.css",
    "css/second-factor.css",
    "css/public.css",
    "css/brand.css",
    "css/focus.css",
    "css/print.css",
)
"""In the order of the cascade: of two rules with the same specificity, the later one applies."""

_YEAR = 365 * 24 * 60 * 60
_VERSION_LENGTH = 12


def init_app(app: Flask) -> None:
    """Let browsers cache static files without revalidation, and add the current version in ``url_for``.

    :param app: created with ``static_url_path=URL_PATH``.
    """
    folder = Path(str(app.static_folder))
    current = content_version(folder)

    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("version", current)

    def send(version: str, filename: str) -> Response:
        # During an upgrade, a page of another release may request its own version. It gets the current file, uncached.
        lasting = version == current and not app.debug
        if filename == ALL_STYLESHEETS:
            response = Response(all_stylesheets(folder), mimetype="text/css")
            response.add_etag()
            response.make_conditional(request)
            response.cache_control.max_age = _YEAR if lasting else None
            response.cache_control.no_cache = None if lasting else True
        else:
            response = send_from_directory(folder, filename, max_age=_YEAR if lasting else None)
        if lasting:
            response.cache_control.immutable = True
        return response

    app.url_defaults(add_version)
    app.view_functions["static"] = send


def all_stylesheets(folder: Path) -> str:
    """Return the text of all stylesheets."""
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in STYLESHEETS)


def content_version(folder: Path) -> str:
    """Return a short hash of the names and contents of all files in a folder."""
    digest = sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:_VERSION_LENGTH]
