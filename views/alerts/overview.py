"""What the overview of a customer says of its alerts."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext

from models import clock
from models.alerts.counts import important_count
from models.customers.customer import Customer
from models.db import db
from views.base import url_if
from views.customers.overview import OverviewItem, overview_part
from views.period import recent_days
from views.screen import formats


@overview_part(20)
def _important_alerts(customer: Customer) -> Sequence[OverviewItem]:
    first, last = recent_days(clock.tokyo_day(clock.utc_now()))
    count = important_count(db.session(), customer.id, first=first, last=last)
    url = url_if("can_important", "Alerts", "AlertView.important", customer_id=customer.id)
    return [OverviewItem(gettext("Important alerts (31 days)"), formats.NUMBER.cell(count), url)]
