"""What the overview of a customer says of its UTMs, and when there are more of them than contracted."""

from __future__ import annotations

from collections.abc import Sequence

from flask import current_app
from flask_babel import gettext
from sqlalchemy import func, select

from models import clock
from models.contracts.contract import contracted_utms
from models.customers.customer import Customer
from models.db import db
from models.utms.utm import Utm, UtmState
from views.customers.overview import OverviewItem, overview_part
from views.customers.tabs import security_url


@overview_part(10)
def _utms(customer: Customer) -> Sequence[OverviewItem]:
    now = clock.utc_now()
    utms = db.session.scalars(select(Utm).where(Utm.customer_id == customer.id, Utm.removed_at.is_(None))).all()
    contracted = contracted_utms(db.session(), customer.id, today=clock.tokyo_day(now))
    url = security_url(customer)
    states = [utm.state(now=now, online_for=current_app.config["UTM_ONLINE_FOR"]) for utm in utms]
    words = {
        UtmState.ONLINE: gettext("Online"),
        UtmState.OFFLINE: gettext("Offline"),
        UtmState.UNCONNECTED: gettext("Never connected"),
    }
    counted = [f"{word} {states.count(state)}" for state, word in words.items() if state in states]
    return [
        OverviewItem(gettext("Contracted UTMs"), f"{contracted:,}", "#contracts"),
        OverviewItem(gettext("Registered UTMs"), f"{len(utms):,}", url, more_than_contracted(len(utms), contracted)),
        OverviewItem(gettext("Operation"), " / ".join(counted) or "-", url),
    ]


def more_than_contracted(registered: int, contracted: int) -> str | None:
    """Return the warning about more UTMs than contracted; None when there are not."""
    if registered <= contracted:
        return None
    return gettext(
        "%(registered)s UTMs exceed the contracted number (%(contracted)s). Please check the contracts.",
        registered=registered,
        contracted=contracted,
    )


def warning_before_one_more(customer: Customer) -> str | None:
    """Return the warning on the form that registers one more UTM; None while the contracts include it."""
    today = clock.tokyo_day(clock.utc_now())
    registered = db.session.scalar(
        select(func.count()).select_from(Utm).where(Utm.customer_id == customer.id, Utm.removed_at.is_(None))
    )
    contracted = contracted_utms(db.session(), customer.id, today=today)
    if (registered or 0) < contracted:
        return None
    return gettext(
        "With this UTM, the customer has more UTMs (%(registered)s) than contracted (%(contracted)s). You can still register it.",
        registered=(registered or 0) + 1,
        contracted=contracted,
    )
