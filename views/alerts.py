"""アラート一覧 (§7.17): searching a customer's alerts and taking them home as CSV."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import Response, abort, current_app, request, stream_with_context, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from sqlalchemy import select
from zipstream import ZIP_DEFLATED, ZipStream

from models import alert_export, alert_search, clock, scope
from models.alert import ACTION_LABELS, FUNCTION_LABELS, SecurityFunction
from models.alert_search import AlertQuery
from models.customer import Customer
from models.db import db
from models.utm import Utm
from views.base import PortalView, choice, customer_or_404, customer_urls, render
from views.period import Period, read_period

MOST_UTMS = 100
"""How many UTMs the chooser takes at once."""


class AlertView(PortalView):
    """The alerts of one customer."""

    route_base = "/customers/<string:customer_id>/alerts"
    class_permission_name = "Alerts"

    @expose("/")
    @has_access
    def list(self, customer_id: str) -> str:
        """詳細を確認: every alert."""
        return _list_page(customer_or_404(customer_id), important=False)

    @expose("/important")
    @has_access
    def important(self, customer_id: str) -> str:
        """問題を確認: only High."""
        return _list_page(customer_or_404(customer_id), important=True)

    @expose("/download", methods=["POST"])
    @has_access
    def download(self, customer_id: str) -> Response:
        """A ZIP with one CSV per chosen UTM; every filter but the period is dropped."""
        customer = customer_or_404(customer_id)
        period = read_period(request.form, clock.tokyo_day(clock.utc_now()))
        utms = _chosen_utms(customer)
        name = utms[0].utm_id if len(utms) == 1 else customer.id
        return Response(
            stream_with_context(_zip(customer.tenant_id, customer.id, [(utm.id, utm.utm_id) for utm in utms], period)),
            mimetype="application/zip",
            headers={"Content-Disposition": f'attachment; filename="alerts_{name}_{period.file_part}.zip"'},
        )


def _list_page(customer: Customer, *, important: bool) -> str:
    period = read_period(request.args, clock.tokyo_day(clock.utc_now()))
    function = choice("function", list(SecurityFunction), "")
    query = AlertQuery(customer.id, period.start, period.end, function or None, important)
    sort = choice("sort", alert_search.SORT_COLUMNS, "occurred_at")
    direction = choice("direction", ("asc", "desc"), "desc" if sort == "occurred_at" else "asc")
    before = _position("before", sort)
    found = alert_search.page(
        db.session(),
        query,
        sort=sort,
        descending=direction == "desc",
        position=before or _position("after", sort),
        backwards=before is not None,
    )
    first, last = (found.rows[0], found.rows[-1]) if found.rows else (None, None)
    other = "AlertView.list" if important else "AlertView.important"
    may_download = current_app.extensions["appbuilder"].sm.has_access("can_download", "Alerts")
    return render(
        "alerts/list.html",
        customer=customer,
        **customer_urls(customer),
        important=important,
        # The period stays when the person goes from one of the two screens to the other.
        other_url=url_for(other, customer_id=customer.id, **period.arguments),
        period=period.fields,
        shown=period.text,
        functions=[(value, FUNCTION_LABELS[value]) for value in SecurityFunction],
        function=function,
        filters=[],
        alerts=[_row(row) for row in found.rows],
        sort=sort,
        direction=direction,
        count=alert_search.capped_count(db.session(), query),
        before=_cursor(alert_search.position_of(first, sort)) if first is not None and found.has_previous else None,
        after=_cursor(alert_search.position_of(last, sort)) if last is not None and found.has_next else None,
        download_url=url_for("AlertView.download", customer_id=customer.id) if may_download else None,
        utms=_current_utms(customer) if may_download else [],
        hidden=list(period.arguments.items()),
    )


def _row(row: Any) -> dict[str, Any]:
    alert = row.Alert
    return {
        "alert": alert,
        "at": clock.screen_time(alert.occurred_at),
        "utm_name": row.utm_name,
        "utm_removed": row.utm_removed_at is not None,
        "function_label": FUNCTION_LABELS.get(alert.function, alert.function),
        "action_label": ACTION_LABELS.get(alert.action, alert.action),
        "open": request.args.get("open") == str(alert.seq),
    }


def _current_utms(customer: Customer) -> Any:
    """The UTMs that can be downloaded: removed ones cannot (§7.10)."""
    return db.session.scalars(
        select(Utm)
        .where(Utm.customer_id == customer.id, Utm.removed_at.is_(None))
        .order_by(Utm.name, Utm.id)
        .limit(MOST_UTMS)
    ).all()


def _chosen_utms(customer: Customer) -> list[Utm]:
    wanted = request.form.getlist("utm")[: MOST_UTMS + 1]
    keys = [int(key) for key in wanted if key.isascii() and key.isdecimal() and len(key) <= 18]
    statement = select(Utm).where(Utm.customer_id == customer.id, Utm.removed_at.is_(None)).order_by(Utm.name, Utm.id)
    if wanted:
        statement = statement.where(Utm.id.in_(keys))
    utms = list(db.session.scalars(statement.limit(MOST_UTMS)))
    if not utms or len(wanted) > MOST_UTMS or (wanted and len(utms) != len(set(wanted))):
        abort(404)
    return utms


def _zip(tenant_id: str, customer_id: str, utms: list[tuple[int, str]], period: Period) -> Iterator[bytes]:
    """The archive piece by piece, in a database session that lives as long as the download."""
    with scope.tenant_session(tenant_id) as session:
        archive = ZipStream(compress_type=ZIP_DEFLATED, compress_level=1)
        for utm_key, utm_id in utms:
            blocks = alert_export.csv_blocks(
                session, customer_id=customer_id, utm_id=utm_key, start=period.start, end=period.end
            )
            archive.add(blocks, f"alerts_{utm_id}_{period.file_part}.csv")
        yield from archive


def _cursor(position: alert_search.Position) -> str:
    value, occurred_at, seq = position
    text = json.dumps([value, occurred_at.isoformat(), seq], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(name: str, sort: str) -> alert_search.Position | None:
    """Where an argument says the page starts; None, the first page, when it is nonsense."""
    text = request.args.get(name, "")
    if not text or len(text) > 1_000:
        return None
    try:
        value, moment, seq = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        occurred_at = datetime.fromisoformat(moment)
    except (ValueError, TypeError, RecursionError):
        return None
    kind = type(None) if sort == "occurred_at" else str
    fits = isinstance(value, kind) and type(seq) is int and abs(seq) < 2**63 and occurred_at.tzinfo is not None
    if not fits or (isinstance(value, str) and ("\0" in value or not value.isprintable())):
        return None
    return value, occurred_at, seq
