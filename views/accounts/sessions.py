"""セッション: the user's own sessions and sign-ins."""

from __future__ import annotations

from typing import Any

from flask import abort, g, jsonify, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext
from ua_parser import parse
from werkzeug.wrappers import Response

from models import clock
from models.accounts import user_session
from models.accounts.sign_in_history import sign_in_history
from models.accounts.user_session import UserSession
from models.db import db
from models.tokens import hash_token
from views.accounts.session_timeouts import may_extend, seconds_left, session_timeouts
from views.arguments import key_or_none
from views.audit_labels import action_label
from views.base import PortalView, actor, render
from views.flashes import flash_success, flash_warning
from views.screen import formats
from views.screen.table import ICON_BUTTON, Button, Question, Table, filled_table
from views.transaction import cross_tenant_session

_SHOWN = 50


class SessionView(PortalView):
    """The sessions of the signed-in user, who may end them. Every user may do so, in a tenant or without one."""

    route_base = "/sessions"
    class_permission_name = "Sessions"

    @expose("/")
    def list(self) -> str:
        """List the active sessions and the latest sign-ins."""
        user_id = g.identity.user.id
        sessions = user_session.active(db.session(), user_id, timeouts=session_timeouts(), now=clock.utc_now())
        crossing = cross_tenant_session("users see their own sign-ins, which are outside any tenant")
        return render(
            "accounts/sessions.html",
            title=gettext("Sessions"),
            sessions=_sessions(sessions),
            history=_history(sign_in_history(crossing, user_id, most=_SHOWN)),
        )

    @expose("/end", methods=["POST"])
    def end(self) -> Response:
        """End one of the other sessions."""
        key = key_or_none(request.form.get("session"))
        if key is None:
            abort(404)
        if user_session.end_one(db.session(), g.identity.user.id, key, by=actor()):
            flash_success(gettext("The session has been ended."))
        else:
            flash_warning(gettext("The session had already ended."))
        return redirect(url_for("SessionView.list"))

    @expose("/end-others", methods=["POST"])
    def end_others(self) -> Response:
        """End all sessions but the current one."""
        user = g.identity.user
        user_session.end_others(db.session(), user.id, user.session_token, by=actor())
        flash_success(gettext("All other sessions have been ended."))
        return redirect(url_for("SessionView.list"))

    @expose("/remaining", methods=["GET"])
    def remaining(self) -> Any:
        """Return in how many seconds the session ends, and whether using it extends it. Pages ask in the background."""
        now = clock.utc_now()
        return jsonify(seconds=seconds_left(now), extendable=may_extend(now))


def _sessions(found: list[UserSession]) -> Table:
    own = hash_token(g.identity.user.session_token)
    current = formats.badge({True: gettext("This session")}, {True: "green"})

    def ending(row: UserSession) -> list[Button]:
        if row.token_hash == own:
            return []
        name = gettext("End the session: %(browser)s", browser=browser_name(row.user_agent))
        question = Question(gettext("The session will be ended. Are you sure?"), gettext("End the session"), "danger")
        values = {"session": str(row.id)}
        return [Button("", url_for("SessionView.end"), "logout", name, values, question, css=ICON_BUTTON)]

    all_others = Button(
        gettext("End all other sessions"),
        url_for("SessionView.end_others"),
        "logout",
        values={},
        question=Question(
            gettext("All sessions in other browsers will be ended. Are you sure?"),
            gettext("End all other sessions"),
            "danger",
        ),
    )
    return filled_table(
        [
            (gettext("Browser"), formats.TEXT, lambda row: browser_name(row.user_agent)),
            (gettext("IP address"), formats.CODE, lambda row: row.ip_address),
            (gettext("Signed in"), formats.TIME, lambda row: row.created_at),
            (gettext("Last used"), formats.TIME, lambda row: row.last_seen_at),
            (gettext("Current"), current, lambda row: row.token_hash == own or None),
        ],
        found,
        buttons=ending,
        title=gettext("Active sessions"),
        note=gettext(
            "Sessions end %(minutes)s minutes after their last use, and %(hours)s hours after the sign-in.",
            minutes=int(session_timeouts().idle.total_seconds() // 60),
            hours=int(session_timeouts().absolute.total_seconds() // 3600),
        ),
        links=[all_others] if len(found) > 1 else [],
    )


def _history(entries: Any) -> Table:
    return filled_table(
        [
            (gettext("Date and time"), formats.TIME, lambda row: row.at),
            (gettext("What was done"), formats.TEXT, lambda row: str(action_label(row.action))),
            (gettext("IP address"), formats.CODE, lambda row: row.address),
        ],
        entries,
        title=gettext("Sign-in history"),
    )


def browser_name(user_agent: str | None) -> str:
    """Return the browser and the operating system that a user agent names.

    >>> browser_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox (Linux)'
    """
    found = parse(user_agent or "")
    browser = found.user_agent.family if found.user_agent else gettext("Unknown")
    return f"{browser} ({found.os.family})" if found.os else browser
