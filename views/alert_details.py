"""What an alert's opened row says: the common part, then the part of its security function (§7.17.1)."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext

from models.alert import FUNCTION_LABELS, Alert, SecurityFunction

_COMMON = (
    (lazy_gettext("Source IP address"), "src_ip"),
    (lazy_gettext("Source port"), "src_port"),
    (lazy_gettext("Destination IP address"), "dst_ip"),
    (lazy_gettext("Destination port"), "dst_port"),
    ("X-Forwarded-For", "xff"),
    (lazy_gettext("Transport protocol"), "proto"),
)

_BY_FUNCTION = {
    SecurityFunction.ANTIVIRUS: (
        (lazy_gettext("Application protocol"), "l7_proto"),
        (lazy_gettext("Virus"), "virus"),
        (lazy_gettext("Virus ID"), "vid"),
        (lazy_gettext("File name"), "file"),
        (lazy_gettext("Virus severity"), "severity"),
        (lazy_gettext("Mail subject"), "subject"),
        (lazy_gettext("Mail header Date"), "mail_date"),
    ),
    SecurityFunction.IPS: (
        (lazy_gettext("Threat name"), "msg"),
        (lazy_gettext("Threat ID"), "sid"),
    ),
    SecurityFunction.WEB_GUARD: (("URL", "url"),),
    SecurityFunction.URL_FILTER: (
        ("URL", "url"),
        (lazy_gettext("Category type"), "ctype"),
        (lazy_gettext("Category name"), "cname"),
        (lazy_gettext("Category ID"), "cid"),
    ),
    SecurityFunction.APP_GUARD: (
        (lazy_gettext("Application type"), "atype"),
        (lazy_gettext("Application name"), "app"),
        (lazy_gettext("Application ID"), "aid"),
    ),
}


def detail_sections(alert: Alert) -> list[dict[str, Any]]:
    """The two sections of an alert's details, each with a title and its (label, value) pairs."""
    function = SecurityFunction(alert.function)
    return [
        {"title": gettext("Basic information"), "fields": _fields(alert, _COMMON)},
        {"title": FUNCTION_LABELS[function], "fields": _fields(alert, _BY_FUNCTION[function])},
    ]


def _fields(alert: Alert, fields: tuple[tuple[Any, str], ...]) -> list[tuple[str, Any]]:
    return [(str(label), getattr(alert, column)) for label, column in fields]
