"""アラート一覧 (§7.17): the search and the CSV download of a customer's alerts."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import current_app, get_template_attribute, redirect, request, stream_with_context, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext
from werkzeug.wrappers import Response

from models import clock
from models.alerts import search as alert_search
from models.alerts.search import AlertQuery
from views.alerts import rows as alert_rows
from views.alerts.download import MAX_UTMS, AlertCustomer, archive, chooser, chosen_utms, customer_with_utms, refusal
from views.alerts.filters import arguments, searched
from views.alerts.threats import threats_page
from views.arguments import choice
from views.base import PortalView, render, url_if
from views.customers.tabs import customer_crumbs, security_url
from views.flashes import flash_warning
from views.period import PeriodFields, read_period
from views.read_sessions import read_session
from views.redirects import referrer_path
from views.screen.table import Empty, Table

_MAX_TICKED = 3 * MAX_UTMS
"""The maximum number of ticks kept when the dialog is reopened: they are passed in the URL."""


class AlertView(PortalView):
    """The alert screens of one customer."""

    route_base = "/customers/<string:customer_id>/alerts"
    class_permission_name = "Alerts"

    @expose("/")
    @has_access
    def list(self, customer_id: str) -> str:
        """Show the alerts of every level (詳細を確認)."""
        return _list_page(customer_id, important=False)

    @expose("/important")
    @has_access
    def important(self, customer_id: str) -> str:
        """Show only the High alerts (問題を確認)."""
        return _list_page(customer_id, important=True)

    @expose("/threats")
    @has_access
    @permission_name("list")
    def threats(self, customer_id: str) -> str:
        """Show the alerts grouped by what was detected (脅威別)."""
        return threats_page(customer_id)

    @expose("/download", methods=["POST"])
    @has_access
    def download(self, customer_id: str) -> Response:
        """Return a ZIP with one CSV per chosen UTM: the alerts of the period, or those that match the search conditions."""
        customer, all_utms = customer_with_utms(customer_id)
        if refused := refusal(all_utms):
            flash_warning(refused)
            return _back_to_choosing(customer.id)
        utms = chosen_utms(all_utms)
        period = read_period(request.form, clock.tokyo_day(clock.utc_now()))
        query = AlertQuery(customer.id, period.start, period.end)
        file_part = period.file_part
        if request.form.get("conditions") == "kept":
            important = request.form.get("important") == "1"
            query, _ = searched(request.form, query, all_utms, important=important)
            file_part += "_filtered"
        name = utms[0].utm_id if len(utms) == 1 else customer.id
        answer = current_app.response_class(
            stream_with_context(archive(customer.tenant_id, utms, query, file_part)),
            mimetype="application/zip",
            headers={"Content-Disposition": f'attachment; filename="alerts_{name}_{file_part}.zip"'},
        )
        # The page's script hides its note when this cookie arrives. The cookie carries no other information.
        answer.set_cookie(
            "file_comes", "1", max_age=60, secure=current_app.config["SESSION_COOKIE_SECURE"], samesite="Lax"
        )
        return answer


def _back_to_choosing(customer_id: str) -> Response:
    """Redirect to the page of the dialog, with the dialog open and the same UTMs ticked."""
    screens = (url_for(f"AlertView.{name}", customer_id=customer_id) for name in ("list", "important"))
    page = referrer_path() or ""
    path, _, query = page.partition("?")
    if path not in screens:
        path, query = url_for("AlertView.list", customer_id=customer_id), ""
    arguments = [pair for pair in parse_qsl(query) if pair[0] not in {"choose", "picked"}]
    ticked = [("picked", key) for key in request.form.getlist("utm")[:_MAX_TICKED]]
    return redirect(f"{path}?{urlencode([*arguments, ('choose', '1'), *ticked])}")


def _list_page(customer_id: str, *, important: bool) -> str:
    customer, utms = customer_with_utms(customer_id)
    period = read_period(request.args, clock.tokyo_day(clock.utc_now()))
    query, search = searched(request.args, AlertQuery(customer.id, period.start, period.end), utms, important=important)
    sort = choice("sort", alert_search.SORT_COLUMNS, "occurred_at")
    direction = choice("direction", ("asc", "desc"), "desc" if sort == "occurred_at" else "asc")
    before, after = _position("before", sort), _position("after", sort)
    found = alert_search.page(
        read_session(),
        query,
        sort=sort,
        descending=direction == "desc",
        position=before or after,
        backwards=before is not None,
        names={utm.id: utm.name for utm in utms},
    )
    first, last = (found.rows[0], found.rows[-1]) if found.rows else (None, None)
    # The link to the other of the two screens keeps the search conditions.
    kept = arguments(search)
    other = "list" if important else "important"
    other_url = url_if(f"can_{other}", "Alerts", f"AlertView.{other}", customer_id=customer.id)
    threats_url = url_if("can_list", "Alerts", "AlertView.threats", customer_id=customer.id)
    asked = period.arguments
    elsewhere = asked | {name: value for name, value in kept.items() if name != "level"}
    narrowed = bool(search.active) or not request.args.keys().isdisjoint(PeriodFields._fields)
    table = _table(customer, utms, found.rows, narrowed=bool(search.active))
    table.sort, table.direction = sort, direction
    table.note = period.text
    table.count = _count(found, query, whole=not (before or after or found.has_next))
    table.before = _cursor(alert_search.position_of(first, sort)) if first is not None and found.has_previous else None
    table.after = _cursor(alert_search.position_of(last, sort)) if last is not None and found.has_next else None
    title = gettext("Problems") if important else gettext("Alerts of the UTMs")
    return render(
        "alerts/list.html",
        title=title,
        customer=customer,
        crumbs=customer_crumbs(customer, (gettext("Security service"), security_url(customer)), (title, None)),
        important=important,
        other_url=f"{other_url}?{urlencode(elsewhere)}" if other_url else None,
        threats_url=f"{threats_url}?{urlencode(asked | kept)}" if threats_url else None,
        period=period.fields,
        search=search,
        searched=narrowed,
        folded=narrowed and not search.opened and not period.faults,
        conditions=[(gettext("Company name"), customer.name), *(each.summary for each in search.active)],
        table=table,
        **_download(customer, utms, query, asked, kept),
    )


def _table(customer: AlertCustomer, utms: Sequence[Any], rows: Sequence[Any], *, narrowed: bool) -> Table:
    """Return the table of one page of alerts.

    :param narrowed: whether the search has conditions besides the period.
    """
    key = request.args.get("open")
    opened = next((row for row in rows if str(row.seq) == key), None) if key else None
    details = None
    if opened is not None:
        alert = alert_search.full_alert(read_session(), customer.id, opened)
        utm = next((utm for utm in utms if utm.id == alert.utm_id), None)
        utm_url = url_if("can_show", "Utms", "UtmView.show", customer_id=customer.id, utm_key=alert.utm_id)
        parts = alert_rows.details(alert, utm, utm_url)
        ticket_url = url_if(
            "can_create",
            "Tickets",
            "TicketFormView.create",
            customer=customer.id,
            utm=alert.utm_id,
            alert=alert.seq,
            alert_at=alert.occurred_at.isoformat(),
        )
        details = get_template_attribute("alerts/_details.html", "alert_details")(parts, ticket_url)
    hint = (
        gettext("Choose a longer period or remove conditions to see more.")
        if narrowed
        else gettext("Choose a longer period to see more.")
    )
    return Table(
        alert_rows.columns(),
        alert_rows.table_rows(rows, utms, alert_rows.function_names(), key if opened is not None else None, details),
        label=gettext("Alerts of the UTMs"),
        toggles=True,
        css="alerts",
        most=alert_search.COUNT_CAP,
        empty=Empty("shield-check", gettext("There is no alert in this period."), hint),
    )


def _count(found: alert_search.Page, query: AlertQuery, *, whole: bool) -> int:
    """Return the number of alerts, without another query if the page contains all of them."""
    if found.count is not None:
        return found.count
    return len(found.rows) if whole else alert_search.capped_count(read_session(), query)


def _download(
    customer: AlertCustomer, utms: Sequence[Any], query: AlertQuery, period: dict[str, str], kept: dict[str, str]
) -> dict[str, Any]:
    """Return the template variables of the download form and dialog."""
    if not current_app.extensions["appbuilder"].sm.has_access("can_download", "Alerts"):
        return {"download_url": None}
    choices = chooser(utms, query.utm_id)
    conditions = {name: value for name, value in kept.items() if name != "utm"}
    if query.important:
        conditions["important"] = "1"
    # The chosen UTMs replace the condition on one UTM. A removed UTM cannot be chosen, so this condition cannot be kept.
    removed = query.utm_id is not None and query.utm_id not in {utm.id for utm in utms if utm.removed_at is None}
    return {
        "download_url": url_for("AlertView.download", customer_id=customer.id),
        "chooser": choices,
        "most_utms": MAX_UTMS,
        "hidden": list((period | conditions).items()),
        "narrowed": bool(kept or query.important) and not removed,
    }


def _cursor(position: alert_search.Position) -> str:
    value, occurred_at, seq = position
    text = json.dumps([value, occurred_at.isoformat(), seq], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(name: str, sort: str) -> alert_search.Position | None:
    """Return the page's start position from an argument; None (the first page) if it is missing or malformed."""
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
    if not fits or (isinstance(value, str) and not _storable(value)):
        return None
    return value, occurred_at, seq


def _storable(text: str) -> bool:
    """Return whether a text column can store a text: it cannot store NUL or a lone surrogate, which JSON can encode."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
