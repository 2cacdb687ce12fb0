"""The PDF of a monthly report (§7.16), made from the stored numbers with WeasyPrint.

The page has the partner's name, colour and logo. Nothing is read from the network or from files but what is given here:
every other URL is refused, and all texts are escaped.

WeasyPrint needs the system library Pango. It is imported only here and when a PDF is made, so that the portal starts
without it.
"""

from __future__ import annotations

from functools import cache
from math import ceil, log10
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from sqlalchemy.orm import Session

from models.alerts.alert import FUNCTION_LABELS
from models.reports import monthly_text
from models.reports.monthly import MonthlyReport, file_name
from models.reports.monthly_numbers import Content, UtmPart
from models.tenants import settings as tenant_settings
from models.tenants.tenant import Tenant
from models.values.colour import readable

_FOLDER = Path(__file__).with_name("pdf")
_FUNCTIONS = "機能別の検知数(UTMの統計)"
_LEVELS = "レベル別のアラート数(アラートの記録)"
_COLOURS = ("#1f5fa8", "#d1603d", "#3a9276", "#8c6bb1", "#c9a227")
"""The colours of the functions in the chart, in their order."""

MAX_DETAILED = 10
"""How many UTMs have a section of their own. With more of them a table lists all, so that a PDF takes seconds."""

_WIDTH, _HEIGHT = 700, 230
_LEFT, _TOP, _BOTTOM = 60, 28, 205
_LEGEND = 126


class PdfUnavailable(Exception):
    """PDF files cannot be made, because WeasyPrint or the system library Pango is missing."""


class PdfFile(NamedTuple):
    """A PDF and the name of its file."""

    name: str
    data: bytes


class PdfBrand(NamedTuple):
    """How the partner looks.

    :ivar logo: a PNG, None if there is none.
    """

    name: str
    contact: str
    colour: str
    logo: bytes | None


def pdf_of(session: Session, report: MonthlyReport) -> PdfFile:
    """Make the PDF of a report of the session's tenant.

    :raises PdfUnavailable: PDF files cannot be made here.
    """
    settings = tenant_settings.of_tenant(session)
    name = settings.display_name or session.get_one(Tenant, report.tenant_id).name
    brand = PdfBrand(name, settings.contact, settings.colour, settings.logo)
    return PdfFile(file_name(report, "pdf"), make_pdf(Content.of_json(report.content), brand))


def make_pdf(content: Content, brand: PdfBrand) -> bytes:
    """Make the PDF of a content. It is tagged for screen readers (PDF/UA).

    :raises PdfUnavailable: PDF files cannot be made here.
    """
    weasyprint = _weasyprint()
    given = {"report:chart": ("image/svg+xml", chart_of(content.days).encode())}
    if brand.logo:
        given["report:logo"] = ("image/png", brand.logo)
    page = weasyprint.HTML(string=html_of(content, brand), url_fetcher=_only(given))
    made: bytes = page.write_pdf(pdf_variant="pdf/ua-1", pdf_tags=True)
    return made


def available() -> bool:
    """Return whether PDF files can be made."""
    try:
        _weasyprint()
    except PdfUnavailable:
        return False
    return True


def html_of(content: Content, brand: PdfBrand) -> str:
    """Return the page of a content."""
    month = monthly_text.month_title(content)
    template = _templates().get_template("monthly.html")
    style = (_FOLDER / "monthly.css").read_text("utf-8")
    return template.render(
        brand=brand,
        content=content,
        detailed=_detailed(content.utms),
        month=month,
        title=f"月次レポート {month} {content.customer}",
        style=Markup(style % {"colour": brand.colour, "readable": readable(brand.colour)}),  # nosec B704  # noqa: S704  (our own, and a checked colour)
        content_facts=monthly_text.facts(content),
        notes=monthly_text.notes(content),
        chart_alt=_chart_alt(content),
        day_headings=[("日", ""), *((label, "number") for label in FUNCTION_LABELS.values())],
        days=list(zip(*(content.days[function] for function in FUNCTION_LABELS), strict=True)),
        heading_of={_FUNCTIONS: "機能", _LEVELS: "レベル"},
        FUNCTIONS=_FUNCTIONS,
        LEVELS=_LEVELS,
        THREATS="多く検知した脅威(アラートの記録)",
        CATEGORIES="多く検知したカテゴリ(UTMの統計)",
    )


def chart_of(days: dict[str, list[int]]) -> str:
    """Return the chart of a month as SVG: a bar for each day, divided by function.

    :param days: the detections on each day, by function.
    """
    columns = list(zip(*(days[function] for function in FUNCTION_LABELS), strict=True))
    step = _step(max((sum(column) for column in columns), default=0))
    top = 4 * step
    slot = (_WIDTH - _LEFT) / len(columns)
    scale = (_BOTTOM - _TOP) / top
    bars = []
    for day, column in enumerate(columns):
        y = float(_BOTTOM)
        for count, colour in zip(column, _COLOURS, strict=True):
            if count:
                y -= count * scale
                bars.append(
                    {
                        "x": round(_LEFT + slot * (day + 0.15), 2),
                        "y": round(y, 2),
                        "width": round(slot * 0.7, 2),
                        "height": round(count * scale, 2),
                        "colour": colour,
                    }
                )
    return (
        _templates()
        .get_template("chart.svg")
        .render(
            width=_WIDTH,
            height=_HEIGHT,
            left=_LEFT,
            bottom=_BOTTOM,
            ticks=[(round(_BOTTOM - number * step * scale, 2), f"{number * step:,}") for number in range(5)],
            bars=bars,
            days=[
                (round(_LEFT + slot * (day - 0.5), 2), day)
                for day in range(1, len(columns) + 1)
                if day == 1 or day % 5 == 0
            ],
            legend=[
                (_LEFT + _LEGEND * place, label, colour)
                for place, (label, colour) in enumerate(zip(FUNCTION_LABELS.values(), _COLOURS, strict=True))
            ],
        )
    )


def _detailed(utms: list[UtmPart]) -> list[UtmPart]:
    """Return the UTMs with a section of their own: all, or those with the most alerts."""
    if len(utms) <= MAX_DETAILED:
        return utms
    return sorted(utms, key=lambda utm: -sum(utm.numbers.levels.values()))[:MAX_DETAILED]


def _step(largest: int) -> int:
    """Return the distance of the lines of a chart, of which four are above zero: 1, 2 or 5 times a power of ten."""
    wanted = max(1, ceil(largest / 4))
    power = 10 ** int(log10(wanted))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= wanted)


def _chart_alt(content: Content) -> str:
    """Return the chart in words; empty if there is nothing to draw."""
    totals = [sum(column) for column in zip(*content.days.values(), strict=True)]
    if not any(totals):
        return ""
    most = max(totals)
    return f"日別の検知数の棒グラフ。最も多い日は{totals.index(most) + 1}日の{most:,}件。数値は「日別の検知数」の表にあります。"


@cache
def _templates() -> Environment:
    templates = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    names = ("function_rows", "level_rows", "threat_rows", "category_rows", "utm_facts", "overview_rows")
    templates.globals |= {name: getattr(monthly_text, name) for name in names}
    templates.globals |= {name: getattr(monthly_text, name) for name in ("NO_STATISTICS", "NO_ALERTS", "NO_CATEGORIES")}
    return templates


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as problem:
        raise PdfUnavailable(str(problem)) from None
    return weasyprint


def _only(given: dict[str, tuple[str, bytes]]) -> Any:
    """Return a fetcher that gives some files by URL, and refuses every other URL."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Given(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url not in given:
                raise ValueError("A report has no other files.")
            kind, data = given[url]
            return URLFetcherResponse(url, data, {"Content-Type": kind})

    return Given()
