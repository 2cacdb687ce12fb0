"""What screens show of the reboots of UTMs (§7.4.5, §7.12): states, results, plans, and the buttons for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app, get_template_attribute, url_for
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from sqlalchemy import select

from models import clock
from models.db import db
from models.errors import N_
from models.utms.mails import slot_text
from models.utms.reboot import Reboot, RebootFailure, RebootState
from models.utms.reboot_rules import NOT_ONLINE
from models.utms.utm import Utm, UtmState
from views.base import url_if
from views.screen import formats
from views.screen.formats import Format
from views.screen.table import Button, Table, filled_table

STATE_LABELS = {
    RebootState.SCHEDULED: lazy_gettext("Reboot scheduled"),
    RebootState.REQUESTED: lazy_gettext("Reboot requested"),
    RebootState.SUCCEEDED: lazy_gettext("Reboot succeeded"),
    RebootState.FAILED: lazy_gettext("Reboot failed"),
    RebootState.CANCELLED: lazy_gettext("Reboot cancelled"),
}
_TONES = {
    RebootState.SCHEDULED: "blue",
    RebootState.REQUESTED: "orange",
    RebootState.SUCCEEDED: "green",
    RebootState.FAILED: "red",
}
STATE = formats.badge(STATE_LABELS, _TONES)

WAITING = N_("Waiting for the UTM to be online")
VERIFIED = N_("Verified")
_FAILURES = {
    RebootFailure.OFFLINE: N_("The UTM was not online in time."),
    RebootFailure.NOT_FETCHED: N_("The UTM did not pick up the request in time."),
    RebootFailure.NO_RESULT: N_("The UTM did not come back in time."),
    RebootFailure.REPORTED: N_("The UTM reported an error."),
}
_RECENT = 10

REBOOT_PART, STATUS_PART = "reboot-part", "reboot-status"
"""The IDs of the parts of the pages that are shown as dialogs."""


def result_of(reboot: Reboot) -> str:
    """Return what is known of the result of a reboot: that it was verified, why it failed, and the UTM's message."""
    told = []
    if reboot.waits:
        told.append(gettext(WAITING))
    if reboot.verified_at is not None:
        told.append(gettext(VERIFIED))
    if reboot.failure is not None:
        told.append(gettext(_FAILURES[RebootFailure(reboot.failure)]))
    if reboot.message:
        told.append(reboot.message)
    return " ".join(told)


def plan_text(plan: Reboot) -> str:
    """Return when a reboot is planned, and whether it is waiting for its UTM."""
    time = slot_text(plan.due_at)
    return f"{time} ({gettext(WAITING)})" if plan.waits else time


PLAN = Format(plan_text, plan_text)
"""Shows a planned reboot."""


def _markup(buttons: Sequence[Button]) -> Markup:
    button = get_template_attribute("macros/data.html", "button")
    return Markup('<div class="btn-list">{}</div>').format(Markup("").join(button(each) for each in buttons))


BUTTONS = Format(_markup)
"""Shows buttons in a cell."""


def reboot_buttons(utm: Utm, back: dict[str, str], css: str = "btn btn-sm") -> list[Button]:
    """Return the buttons 再起動 and 状態確認 of a UTM, as far as the person may use them.

    :param back: the query parameter that contains the state of the list to return to.
    """
    values = {"customer_id": utm.customer_id, "utm_key": utm.id}
    online = utm.state(now=clock.utc_now(), online_for=current_app.config["UTM_ONLINE_FOR"]) == UtmState.ONLINE
    found = []
    if url := url_if("can_reboot", "Reboots", "UtmRebootView.reboot", **values, **back):
        name = gettext("Reboot %(name)s", name=utm.name)
        refusal = None if online else gettext(NOT_ONLINE)
        found.append(Button(gettext("Reboot"), url, "power", name, refusal=refusal, css=css, dialog=REBOOT_PART))
    if url := url_if("can_status", "Reboots", "UtmRebootView.status", **values, **back):
        name = gettext("Check the reboot of %(name)s", name=utm.name)
        found.append(Button(gettext("Check status"), url, "", name, css=css, dialog=STATUS_PART))
    return found


def reboot_of_many() -> list[Button]:
    """Return the button that reboots the UTMs ticked in a list; none if the person may not."""
    url = url_if("can_reboot_many", "Reboots", "ManyRebootsView.reboot_many")
    return [Button(gettext("Reboot"), url, "power", dialog=REBOOT_PART)] if url else []


def recent_reboots(utm: Utm) -> Table | None:
    """Return the last reboots of a UTM as a table; None if there is none, or the person may not look at them."""
    url = url_if("can_list", "Reboots", "RebootListView.list", utm_name=utm.utm_id)
    if url is None:
        return None
    rows = db.session.scalars(
        select(Reboot).where(Reboot.utm_id == utm.id).order_by(Reboot.due_at.desc(), Reboot.id.desc()).limit(_RECENT)
    ).all()
    if not rows:
        return None
    columns = (
        (gettext("Reboot at"), formats.TIME, lambda row: row.due_at),
        (gettext("Status"), STATE, lambda row: row.state),
        (gettext("Result"), formats.TEXT, result_of),
        (gettext("Ended at"), formats.TIME, lambda row: row.ended_at),
        (gettext("Requested by"), formats.EMAIL, lambda row: row.asked_by),
    )
    links = [Button(gettext("See all"), url, "list")]
    return filled_table(columns, rows, title=gettext("UTM reboots"), links=links)


def reboot_url(utm: Utm, **arguments: Any) -> str:
    """Return the URL of the page that reboots a UTM."""
    return url_for("UtmRebootView.reboot", customer_id=utm.customer_id, utm_key=utm.id, **arguments)
