"""The base of the public pages behind mailed links, whose URLs contain the token of the link."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from views.base import PortalView


class MailedLinkView(PortalView):
    """Pages that send no Referer header, so that the token in their URL reaches nobody else.

    Over HTTPS, Flask-WTF's global check refuses a form without a Referer. The views therefore validate their forms, which
    checks the CSRF token, themselves.
    """

    def create_blueprint(self, *args: Any, **kwargs: Any) -> Any:
        """Create FAB's blueprint."""
        blueprint = super().create_blueprint(*args, **kwargs)
        blueprint.after_request(_set_no_referrer)
        current_app.extensions["csrf"].exempt(blueprint)
        return blueprint


def _set_no_referrer(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
