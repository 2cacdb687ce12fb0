"""A sign-in between a correct password and the second factor: its state in the browser's signed session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import redirect, request, session, url_for
from werkzeug.wrappers import Response

from models import clock
from models.accounts.sign_in_rules import SecondStep

LIFETIME = timedelta(minutes=5)
"""How long after the password the second factor is accepted."""

_KEY = "second_step"


def ask_for_second_factor(step: SecondStep) -> Response:
    """Keep the state and lead to the second step. The user is not signed in."""
    # No data of a previous user of this browser may reach the new one.
    session.clear()
    session[_KEY] = [step.user_id, step.stamp, int(clock.utc_now().timestamp())]
    return redirect(url_for("SecondStepView.ask", **destination()))


def pending() -> SecondStep | None:
    """Return the second step that this browser is in, None if there is none or it took too long."""
    found = session.get(_KEY)
    if found is None:
        return None
    user_id, stamp, at = found
    age = clock.utc_now().timestamp() - at
    return SecondStep(user_id, stamp) if 0 <= age < LIFETIME.total_seconds() else None


def forget() -> None:
    """End the second step of this browser."""
    session.pop(_KEY, None)


def destination() -> dict[str, Any]:
    """Return the query parameters that say where signing in leads, to pass them on to the next page."""
    return {name: request.args[name] for name in ("next", "draft") if name in request.args}
