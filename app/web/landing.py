"""Where people begin who have no dashboard: every sign-in and every mistake leads there."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, redirect, request, url_for

from app.web.menu import allowed
from views.register import Place


def init_app(app: Flask) -> None:
    """Lead on whoever has no dashboard."""
    app.before_request(_lead_on)


def landing() -> str | None:
    """The first screen the person may open, None when there is none."""
    first = next(iter(allowed(*Place)), None)
    return url_for(first.endpoint) if first is not None else None


def _lead_on() -> Any:
    identity = g.get("identity")
    if request.endpoint != "HomeView.index" or identity is None or identity.tenant is None:
        return None
    first = landing()
    return redirect(first) if first is not None and first != url_for("HomeView.index") else None
