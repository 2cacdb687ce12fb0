"""The basis of all screens: rendering, the actor of the request, conditional URLs and the base view."""

from __future__ import annotations

from typing import Any

from flask import current_app, g, render_template, request, url_for
from flask_appbuilder import BaseView
from flask_login import current_user

from models.actor import Actor
from views.routing import TransactionalRoutes

PAGE_SIZE = 25


def render(template: str, **context: Any) -> str:
    """Render a template."""
    return render_template(template, **context)


def actor(user: Any = None) -> Actor:
    """Return the actor of this request, for rules and the audit log.

    :param user: the user, if not signed in yet; None for the current user.
    """
    who = user if user is not None else current_user if current_user.is_authenticated else None
    identity = g.get("identity") if user is None else None
    return Actor(
        name=who.email if who is not None else "anonymous",
        user_id=who.id if who is not None else None,
        role=identity.acting_role if identity is not None else None,
        address=request.remote_addr,
        request_id=g.get("request_id"),
    )


def url_if(permission: str, view: str, endpoint: str, **values: Any) -> str | None:
    """Return the URL of a screen, None if the user does not have the permission.

    :param view: the view that the permission applies to.
    :param values: the arguments of the URL.
    """
    may = current_app.extensions["appbuilder"].sm.has_access(permission, view)
    return url_for(endpoint, **values) if may else None


def first_of(*urls: str | None) -> str:
    """Return the first URL that is not None, or the URL of the dashboard if all of them are."""
    return next((url for url in urls if url is not None), url_for("HomeView.index"))


class PortalView(TransactionalRoutes, BaseView):
    """The base class of screens that do not show the rows of a table."""
