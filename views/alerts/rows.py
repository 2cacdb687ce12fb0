"""The rows of the alert list: the cells of each alert, and its details as reported by the UTM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from flask_babel import gettext, lazy_gettext
from markupsafe import Markup, escape

from models.alerts.alert import ACTION_LABELS, SecurityFunction
from models.errors import N_
from views.languages import chosen_language
from views.page_url import here
from views.screen import formats
from views.screen.table import Column, Row, Toggle

# Label, column, and whether the value is a code, such as an ID, a URL or an IP address, and shown in monospace.
_Fields = tuple[tuple[str, str, bool], ...]

_COMMON: _Fields = (
    (N_("Source IP address"), "src_ip", True),
    (N_("Source port"), "src_port", True),
    (N_("Destination IP address"), "dst_ip", True),
    (N_("Destination port"), "dst_port", True),
    ("X-Forwarded-For", "xff", True),
    (N_("Transport protocol"), "proto", False),
)
_OWN: dict[str, _Fields] = {
    SecurityFunction.ANTIVIRUS: (
        (N_("Application protocol"), "l7_proto", False),
        (N_("Virus"), "virus", False),
        (N_("Virus ID"), "vid", True),
        (N_("File name"), "file", False),
        (N_("Virus severity"), "severity", False),
        (N_("Mail subject"), "subject", False),
        (N_("Mail header Date"), "mail_date", False),
    ),
    SecurityFunction.IPS: (
        (N_("Threat"), "msg", False),
        (N_("Threat ID"), "sid", True),
    ),
    SecurityFunction.WEB_GUARD: (("URL", "url", True),),
    SecurityFunction.URL_FILTER: (
        ("URL", "url", True),
        (N_("Category type"), "ctype", False),
        (N_("Category"), "cname", False),
        (N_("Category ID"), "cid", True),
    ),
    SecurityFunction.APP_GUARD: (
        (N_("Application type"), "atype", False),
        (N_("Application"), "app", False),
        (N_("Application ID"), "aid", True),
    ),
}


FUNCTION_NAMES: dict[str, str] = {
    SecurityFunction.ANTIVIRUS: N_("Antivirus"),
    SecurityFunction.IPS: "IPS",
    SecurityFunction.WEB_GUARD: N_("Web guard"),
    SecurityFunction.URL_FILTER: N_("URL filtering"),
    SecurityFunction.APP_GUARD: N_("Application guard"),
}
"""The names on screens. The CSV and mails always use Japanese names (``models.alerts.alert.FUNCTION_LABELS``)."""


def function_name(function: str) -> str:
    """Return the name of a security function in the language of the screens; an unknown function as it is."""
    name = FUNCTION_NAMES.get(function)
    return gettext(name) if name else function


def function_names() -> Mapping[str, str]:
    """Return the names of all security functions in the language of the screens, by function."""
    return _function_names(chosen_language())


@cache
def _function_names(_language: str) -> Mapping[str, str]:
    return MappingProxyType({function: function_name(function) for function in FUNCTION_NAMES})


# The classes beginning with "alerts-" place the cells of a card on a phone (alerts.css).
_COLUMNS = (
    Column("alert_id", N_("Alert ID"), css="font-monospace alerts-id"),
    Column("occurred_at", N_("Date and time"), css="alerts-time"),
    Column("utm", N_("UTM name"), css="text alerts-utm"),
    Column("function", N_("Security function"), css="alerts-function"),
    Column("action", N_("Action"), css="alerts-action"),
    Column("level", N_("Alert level"), css="alerts-level"),
)
_REMOVED = Markup('<span>%s <span class="badge tone-gray">%s</span></span>')
LEVEL = formats.badge({"high": lazy_gettext("High"), "low": lazy_gettext("Low")}, {"high": "red"})


def columns() -> list[Column]:
    """Return the columns of the list, all of them sortable."""
    return [each._replace(label=gettext(each.label), key=each.name) for each in _COLUMNS]


def table_rows(
    alerts: Sequence[Any], utms: Sequence[Any], functions: Mapping[str, str], opened: str | None, details: Any
) -> list[Row]:
    """Return the rows of ``alert_search.page`` for the table.

    :param utms: the customer's UTMs, including removed ones, with ``id``, ``name`` and ``removed_at``.
    :param functions: the result of ``function_names``.
    :param opened: the key of the alert whose details are shown, None for no alert.
    :param details: the details of that alert, as markup.
    """
    names = {utm.id: utm_name(utm) for utm in utms}
    levels = {level: LEVEL.cell(level) for level in ("high", "low")}
    closed = here({"open": None})
    opening = f"{closed}{'' if closed == '?' else '&'}open="
    name = gettext("Details of %(id)s", id="{id}")
    rows = []
    for seq, occurred_at, alert_id, utm_id, function, action, level, found, source, destination, *_ in alerts:
        key, is_open = str(seq), str(seq) == opened
        toggle = Toggle(
            f"alert-{key}",
            f"{closed if is_open else f'{opening}{key}'}#alert-{key}",
            name.replace("{id}", alert_id),
            details if is_open else None,
        )
        cells = (
            alert_id,
            formats.TIME.cell(occurred_at),
            names.get(utm_id, ""),  # empty if the UTM was registered after the UTMs were read
            _with_summary(functions[function], found, source, destination),
            ACTION_LABELS.get(action, action),
            levels[level],
        )
        rows.append(Row(cells, toggle=toggle))
    return rows


def _with_summary(function: str, found: str | None, source: str | None, destination: str | None) -> Markup:
    """Return the function and, below it, what was found and from where to where.

    :param found: the threat, URL or application.
    """
    name = escape(function)
    if source or destination:
        addresses = escape(f"{source or '-'} → {destination or '-'}")
        way = f'<span class="alerts-way">{addresses}</span>'
    else:
        way = ""
    if found:
        way = f'<span class="alerts-found">{escape(found)}</span> {way}'
    # Put together without Markup's own formatting, which takes five times as long: a page has fifty of them.
    return Markup(f'<div class="alerts-name">{name}</div> <div class="alerts-summary">{way}</div>' if way else name)  # nosec B704  # noqa: S704  (its parts are escaped)


def utm_name(utm: Any) -> Any:
    """Return the name of a UTM, marked if it was removed."""
    return _REMOVED % (utm.name, gettext("Removed")) if utm.removed_at is not None else utm.name


class Detail(NamedTuple):
    """A field in the details of an alert.

    :ivar code: whether the value is a number or an address, shown in the typeface of code.
    :ivar url: the page that the value links to; None for no link.
    """

    label: str
    value: str
    code: bool = False
    url: str | None = None


def details(alert: Any, utm: Any, utm_url: str | None) -> list[tuple[str, list[Detail]]]:
    """Return the sections of an alert's details: title and fields.

    :param alert: an object with the attributes of ``models.alerts.alert.Alert``.
    :param utm: an object with ``name`` and ``removed_at``; None if the UTM was registered after the UTMs were read.
    :param utm_url: the URL of the UTM's page; None if the person may not see it.
    """
    own_title = gettext("Information of the function (%(function)s)", function=function_name(alert.function))
    # A phone shows neither of the two in full.
    whose = [
        Detail(gettext("Alert ID"), alert.alert_id, code=True),
        Detail(gettext("UTM name"), utm.name if utm else "-", url=utm_url if utm else None),
    ]
    return [
        (gettext("Basic information"), whose + _values(alert, _COMMON)),
        (own_title, _values(alert, _OWN[alert.function])),
    ]


def _values(alert: Any, fields: _Fields) -> list[Detail]:
    found = [(label, getattr(alert, column), is_code) for label, column, is_code in fields]
    return [
        Detail(gettext(label), "-" if value in {None, ""} else str(value), code=is_code)
        for label, value, is_code in found
    ]
