"""The language of the screens: Japanese, unless the user chose English. Stored in a cookie, to outlive the session."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, has_request_context, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from views.base import PortalView
from views.redirects import local_path, requested_path

COOKIE = "language"
_KEPT_FOR = 365 * 24 * 3600


def chosen_language() -> str:
    """Return the language of the response: a key of ``LANGUAGES``, the default if none was chosen.

    The device API always responds in English: its responses are read by UTMs and in their logs.
    """
    wanted = None
    if has_request_context():
        wanted = "en" if request.path.startswith("/api/device/") else request.cookies.get(COOKIE)
    if wanted is not None and wanted in current_app.config["LANGUAGES"]:
        return wanted
    return str(current_app.config["BABEL_DEFAULT_LOCALE"])


class LanguageView(PortalView):
    """Language selection, also available to users who are not signed in."""

    route_base = "/language"
    class_permission_name = "Language"

    @expose("/", methods=["POST"])
    def select(self) -> Response:
        """Store the chosen language and redirect to the page where it was chosen."""
        language = request.form.get("language", "")
        if language not in current_app.config["LANGUAGES"]:
            abort(400)
        answer = redirect(local_path(request.form.get("next")) or url_for("HomeView.index"))
        answer.set_cookie(
            COOKIE,
            language,
            max_age=_KEPT_FOR,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return answer


def language_choice() -> dict[str, Any]:
    """Return the layout's context for the language selection: the current language and the others with their names."""
    languages = current_app.config["LANGUAGES"]
    present = chosen_language()
    return {
        "language": present,
        "other_languages": [(code, each["name"]) for code, each in languages.items() if code != present],
        "language_url": url_for("LanguageView.select"),
        "language_next": _asked_for(),
    }


def _asked_for() -> str:
    """Return the URL to redirect to after the language was changed.

    The response to a submitted form cannot be requested again. The URL is then the same without the form data if it can be
    requested with GET, or else empty, which leads to the dashboard.
    """
    if request.method == "GET":
        return requested_path()
    rule = request.url_rule
    return f"{request.root_path}{request.path}" if rule is not None and "GET" in (rule.methods or ()) else ""


SCREENS = (LanguageView,)
PUBLIC = ("LanguageView.select",)
