"""Display preferences of a user: the number of rows per page, and whether the side menu is collapsed to its icons."""

from __future__ import annotations

from flask import abort, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from models.accounts import user_rules
from models.db import db
from views.base import PortalView
from views.redirects import referrer_path

CHOICES = {"page_size": ("25", "50", "100"), "menu": ("open", "collapsed")}
"""The preferences and their allowed values."""


def preferred(name: str) -> str | None:
    """Return the user's value of a preference, None if no valid one was chosen."""
    identity = g.get("identity")
    value = identity.user.preferences.get(name) if identity is not None else None
    return value if value in CHOICES[name] else None


class PreferenceView(PortalView):
    """Saving of preferences, available to all signed-in users."""

    route_base = "/preferences"
    class_permission_name = "Preferences"

    @expose("/", methods=["POST"])
    def keep(self) -> Response:
        """Save a preference and redirect to the page where it was chosen."""
        name, value = request.form.get("name", ""), request.form.get("value", "")
        if value not in CHOICES.get(name, ()):
            abort(400)
        user_rules.set_preference(db.session(), g.identity.user.id, name, value)
        return redirect(referrer_path() or url_for("HomeView.index"))


SCREENS = (PreferenceView,)
TENANTLESS = ("PreferenceView.keep",)
