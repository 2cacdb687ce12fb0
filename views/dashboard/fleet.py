"""The tenant's UTMs, which several widgets are about."""

from __future__ import annotations

from datetime import datetime

from flask import current_app, g

from models.db import db
from models.utms.fleet import Fleet, fleet_of


def own_fleet(now: datetime) -> Fleet:
    """Return the numbers of the tenant's UTMs in each state, counted once for a page."""
    if "own_fleet" not in g:
        g.own_fleet = fleet_of(db.session(), now=now, online_for=current_app.config["UTM_ONLINE_FOR"])
    found: Fleet = g.own_fleet
    return found
