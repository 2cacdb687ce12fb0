"""Issue the demo's monthly reports of the last months. They are not mailed."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app

from app.demo.context import DemoContext, as_tenant
from models import clock
from models.reports import issuing

MONTHS = 3
"""The number of months with reports, up to and including last month."""

_ISSUED_AT = timedelta(hours=4)


def make_reports(context: DemoContext, tenant_id: str) -> None:
    """Issue a tenant's reports month by month, as if each was issued on the 1st of the next month."""
    online_for = current_app.config["UTM_ONLINE_FOR"]
    with as_tenant(context.session, tenant_id) as session:
        for number in range(MONTHS, 0, -1):
            month = clock.months_before(context.today, number)
            now = clock.day_start(clock.next_month(month)) + _ISSUED_AT
            while issuing.issue_batch(session, month, now=now, online_for=online_for, mailed=False):
                pass
