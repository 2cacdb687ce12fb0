"""One alert as the list shows it: its cells, and in its details what its UTM says about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from flask_babel import gettext

from models import clock
from models.alerts.alert import ACTION_LABELS, SecurityFunction
from models.errors import N_
from views.languages import chosen_language

# Label, column, whether it is a number or an address and shown as such.
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


FUNCTION_NAMES = {
    SecurityFunction.ANTIVIRUS: N_("Antivirus"),
    SecurityFunction.IPS: "IPS",
    SecurityFunction.WEB_GUARD: N_("Web guard"),
    SecurityFunction.URL_FILTER: N_("URL filtering"),
    SecurityFunction.APP_GUARD: N_("Application guard"),
}
"""What screens say. The CSV and mails say it in Japanese (``models.alerts.alert.FUNCTION_LABELS``), whoever asks for them."""


def function_name(function: str) -> str:
    """A security function in the language of the screens; one nobody knows is called what it is."""
    name = FUNCTION_NAMES.get(function)
    return gettext(name) if name else function


def function_names() -> Mapping[str, str]:
    """Every security function and its name in the language of the screens."""
    return _function_names(chosen_language())


@cache
def _function_names(_language: str) -> Mapping[str, str]:
    return MappingProxyType({function: function_name(function) for function in FUNCTION_NAMES})


class ShownAlert(NamedTuple):
    """What the template needs of an alert; a page has fifty, and reads nothing of a row twice.

    :ivar key: its number, as the page's identifiers and addresses have it.
    :ivar open: whether its details are shown.
    """

    key: str
    alert_id: str
    at: str
    utm_name: str
    utm_removed: bool
    function: str
    action: str
    level: str
    open: bool


def shown(
    rows: Sequence[Any], utms: Sequence[Any], functions: Mapping[str, str], opened: str | None
) -> list[ShownAlert]:
    """The rows of ``alert_search.page`` for the template.

    :param utms: the customer's, removed ones included, with ``id``, ``name`` and ``removed_at``.
    :param functions: of ``function_names``.
    :param opened: the number of the one whose details are shown.
    """
    names = {utm.id: (utm.name, utm.removed_at is not None) for utm in utms}
    unknown = ("", False)  # registered since the UTMs were read
    return [
        ShownAlert(
            key := str(seq),
            alert_id,
            clock.screen_time(occurred_at),
            *names.get(utm_id, unknown),
            functions[function],
            ACTION_LABELS.get(action, action),
            level,
            key == opened,
        )
        for seq, occurred_at, alert_id, utm_id, function, action, level, *_ in rows
    ]


def details(alert: Any) -> dict[str, Any]:
    """What the template needs of the alert whose row is open: titles, each with label, value, whether it is a code.

    :param alert: with the attributes of ``models.alerts.alert.Alert``.
    """
    own_title = gettext("Information of the function (%(function)s)", function=function_name(alert.function))
    return {
        "key": str(alert.seq),
        "parts": [
            (gettext("Basic information"), _values(alert, _COMMON)),
            (own_title, _values(alert, _OWN[alert.function])),
        ],
    }


def _values(alert: Any, fields: _Fields) -> list[tuple[str, str, bool]]:
    found = [(label, getattr(alert, column), is_code) for label, column, is_code in fields]
    return [(gettext(label), "-" if value in {None, ""} else str(value), is_code) for label, value, is_code in found]
