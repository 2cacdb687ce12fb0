"""What every screen stands on: rendering, the acting person, the base views."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, render_template, request, url_for
from flask_appbuilder import BaseView
from flask_login import current_user

from models.actor import Actor
from views.routing import TransactionalRoutes

PAGE_SIZE = 25


def render(template: str, **context: Any) -> str:
    """A page in the portal's layout."""
    return render_template(template, **context)


def actor(user: Any = None) -> Actor:
    """The person behind this request, for rules and the audit log.

    :param user: given where nobody is signed in yet.
    """
    who = user if user is not None else current_user if current_user.is_authenticated else None
    return Actor(
        name=who.email if who is not None else "anonymous",
        user_id=who.id if who is not None else None,
        address=request.remote_addr,
        request_id=g.get("request_id"),
    )


def url_if(permission: str, view: str, endpoint: str, **values: Any) -> str | None:
    """Where a screen is, None for people whose role has not got its permission.

    :param view: what the permission is of.
    :param values: what the address names.
    """
    may = current_app.extensions["appbuilder"].sm.has_access(permission, view)
    return url_for(endpoint, **values) if may else None


def first_of(*urls: str | None) -> str:
    """The first address that the person may open, the dashboard's when they may open none of them."""
    return next((url for url in urls if url is not None), url_for("HomeView.index"))


class PortalView(TransactionalRoutes, BaseView):
    """A screen that is not a table of rows."""
