"""月次レポート (§7.16): the stored reports of a customer, shown and downloaded."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Response, current_app, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models import clock
from models.reports import issuing, monthly, monthly_pdf
from models.reports.monthly import MonthlyReport
from models.reports.monthly_pdf import PdfUnavailable
from views.base import PortalView, render, url_if
from views.customers.customers import CustomerView
from views.customers.tabs import customer_crumbs, security_url
from views.period import parse_month
from views.read_sessions import read_session

log = logging.getLogger("portal.reports")


class MonthlyReportView(PortalView):
    """月次レポート of one customer. It only reads."""

    route_base = "/customers/<string:customer_id>/monthly-report"
    class_permission_name = "MonthlyReports"

    @expose("/")
    @has_access
    def show(self, customer_id: str) -> Any:
        """Show the report of a month, by default of the newest one."""
        customer, months, report = _chosen(customer_id, newest=True)
        if report is None and months:
            return _page(customer, months, error=_not_issued()), 404
        return _page(customer, months, report)

    @expose("/text")
    @has_access
    def text(self, customer_id: str) -> Any:
        """Return the report of a month as a text file, with the byte order mark and line breaks of Windows."""
        customer, months, report = _chosen(customer_id)
        if report is None:
            return _page(customer, months, error=_not_issued()), 404
        content = report.text.replace("\n", "\r\n").encode("utf-8-sig")
        return _file(content, "text/plain; charset=utf-8", monthly.file_name(report, "txt"))

    @expose("/pdf")
    @has_access
    def pdf(self, customer_id: str) -> Any:
        """Return the report of a month as a PDF."""
        customer, months, report = _chosen(customer_id)
        if report is None:
            return _page(customer, months, error=_not_issued()), 404
        try:
            made = monthly_pdf.pdf_of(read_session(), report)
        except PdfUnavailable as problem:
            log.error("no PDF can be made", extra={"error": str(problem)})  # noqa: TRY400  (the reason is enough)
            refusal = gettext("PDF files cannot be made on this server. Download the text, or ask NEC.")
            return _page(customer, months, report, error=refusal), 503
        return _file(made.data, "application/pdf", made.name)


def _chosen(customer_id: str, *, newest: bool = False) -> tuple[Any, Sequence[date], MonthlyReport | None]:
    """Return the customer, the months that have a report, and the report of the month that is requested.

    :param newest: return the newest report if no month is requested.
    """
    customer = CustomerView.of().row_or_404(customer_id)
    months = monthly.months_of(read_session(), customer.id)
    typed = request.args.get("month", "")
    month = months[0] if newest and months and not typed else parse_month(typed)
    report = monthly.report_of(read_session(), customer.id, month) if month and month in months else None
    return customer, months, report


def _not_issued() -> str:
    return gettext("No monthly report was issued for this month. Choose a month from the list.")


def _file(content: bytes, mimetype: str, name: str) -> Response:
    return current_app.response_class(
        content, content_type=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _page(customer: Any, months: Sequence[date], report: MonthlyReport | None = None, *, error: str = "") -> str:
    title = gettext("Monthly report")
    addresses = {
        name: url_if(f"can_{name}", "MonthlyReports", f"MonthlyReportView.{name}", customer_id=customer.id)
        for name in ("text", "pdf")
    }
    return render(
        "reports/monthly.html",
        title=title,
        customer=customer,
        crumbs=customer_crumbs(customer, (gettext("Security service"), security_url(customer)), (title, None)),
        months=[f"{month:%Y-%m}" for month in months],
        month=f"{report.month:%Y-%m}" if report else "",
        text=report.text if report else "",
        created=clock.screen_time(report.created_at) if report else "",
        error=error,
        addresses=addresses,
        first_on=issuing.first_issue(clock.tokyo_day(clock.utc_now())).isoformat(),
    )
