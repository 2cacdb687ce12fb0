"""The landing page of users without a dashboard, used after sign-in and by links on error pages."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, redirect, request, url_for

from app.web.menu import allowed
from views.register import Place


def init_app(app: Flask) -> None:
    """Redirect users without a dashboard from the home page."""
    app.before_request(_redirect_to_landing)


def landing() -> str | None:
    """Return the URL of the first screen in the menus that the user may open, None if there is none."""
    first = next(iter(allowed(*Place)), None)
    return url_for(first.endpoint) if first is not None else None


def _redirect_to_landing() -> Any:
    identity = g.get("identity")
    if request.endpoint != "HomeView.index" or identity is None or identity.tenant is None:
        return None
    first = landing()
    return redirect(first) if first is not None and first != url_for("HomeView.index") else None
