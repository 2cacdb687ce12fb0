"""The chart screens of a customer (§7.13 to 7.15), and its monthly reports (§7.16)."""

from __future__ import annotations

from models.errors import N_
from views.register import Rights
from views.reports.charts import ChartView
from views.reports.monthly import MonthlyReportView

SCREENS = (ChartView, MonthlyReportView)
RIGHTS = {
    "Charts": Rights(
        N_("Charts of detections"),
        read=("can_threats", "can_average", "can_utms"),
        labels={
            "can_threats": N_("View the UTM threat report"),
            "can_average": N_("Compare with the average of companies"),
            "can_utms": N_("Compare the company's UTMs"),
        },
    ),
    "MonthlyReports": Rights(
        N_("Monthly reports"),
        read=("can_show", "can_text", "can_pdf"),
        labels={"can_text": N_("Download as text"), "can_pdf": N_("Download as PDF")},
    ),
}
