"""フィルタ of the alert screens (§7.17): the search conditions other than the period."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import gettext, lazy_gettext

from models.alerts.alert import ACTION_LABELS, CUT_AT, LEVEL_LABELS
from models.alerts.search import AlertQuery
from views.alerts.rows import function_names
from views.forms.fields import half_width, too_long
from views.screen.filters import Filter, Search

_TEXT_LENGTH = 255
_ACTION_LENGTH = 32
_ID_LENGTH = 64


def conditions(search: Search) -> dict[str, Any]:
    """Return the conditions of a search as arguments of ``AlertQuery``."""
    names = {"utm": "utm_id"}
    return {names.get(each.name, each.name): each.condition for each in search.active}


def arguments(search: Search) -> dict[str, str]:
    """Return the conditions of a search as page arguments."""
    return {each.name: each.value for each in search.active}


def searched(
    args: Mapping[str, str], query: AlertQuery, utms: Sequence[Any], *, important: bool
) -> tuple[AlertQuery, Search]:
    """Return a query with the search conditions of the arguments added, and the search fields (``read_filters``)."""
    search = read_filters(args, utms, important=important)
    return replace(query, important=important, **conditions(search)), search


def read_filters(args: Mapping[str, str], utms: Sequence[Any], *, important: bool) -> Search:
    """Return the search fields, filled in from the arguments.

    An invalid text becomes an error of its field; an unknown choice is ignored. A customer can have a thousand UTMs, and
    most people search only by period and function: the page contains the other fields only when they are requested, or
    when one of them has an error.

    :param args: the arguments of the page or of the download form.
    :param utms: the customer's UTMs with ``id``, ``name`` and ``removed_at``.
    :param important: whether the screen is 問題を確認, which shows a single level.
    """
    levels = [(level.value, label) for level, label in LEVEL_LABELS.items()]
    fields = [
        _text(args, "action", lazy_gettext("Action"), _ACTION_LENGTH, suggestions=tuple(ACTION_LABELS.values())),
        _chosen(args, "level", lazy_gettext("Alert level"), levels),
        _address(args, "source", lazy_gettext("Source IP address")),
        _address(args, "destination", lazy_gettext("Destination IP address")),
        _text(
            args,
            "alert_id",
            lazy_gettext("Alert ID"),
            _ID_LENGTH,
            clean=half_width,
            help=lazy_gettext("The whole ID or its beginning."),
        ),
        _text(args, "url", "URL", help=lazy_gettext("Part of the value is enough.")),
        _text(
            args,
            "threat",
            lazy_gettext("Threat"),
            help=lazy_gettext("A part of the name of the virus, threat, category or application."),
        ),
        _text(args, "file", lazy_gettext("File name"), help=lazy_gettext("Part of the value is enough.")),
    ]
    if detection := args.get("detection", "")[:CUT_AT]:
        # Chosen on the page 脅威別, not typed.
        fields.append(
            Filter("detection", lazy_gettext("Detection"), detection, detection, attributes={"readonly": "readonly"})
        )
    shown = args.get("filters") == "1" or any(each.error for each in fields)
    of_utms = [(str(utm.id), _utm_label(utm)) for utm in utms] if shown or "utm" in args else []
    fields.insert(0, _chosen(args, "utm", lazy_gettext("UTM"), of_utms))
    functions = list(function_names().items())
    fields.insert(0, _chosen(args, "function", lazy_gettext("Security function"), functions, beside=True))
    offered = [each for each in fields if not (important and each.name == "level")]
    return Search(offered, deferred=not shown, opened=shown)


def _utm_label(utm: Any) -> str:
    return gettext("%(name)s (removed)", name=utm.name) if utm.removed_at is not None else utm.name


def _chosen(
    args: Mapping[str, str], name: str, label: Any, options: list[tuple[str, str]], *, beside: bool = False
) -> Filter:
    value = args.get(name, "")
    if value not in dict(options):
        return Filter(name, label, options=options, beside=beside)
    return Filter(name, label, value, int(value) if name == "utm" else value, options, beside=beside)


def _text(
    args: Mapping[str, str],
    name: str,
    label: Any,
    limit: int = _TEXT_LENGTH,
    clean: Callable[[str], str] = str.strip,
    **shown: Any,
) -> Filter:
    """Return a text field. Unless ``clean`` removes them, it keeps invisible characters: people may search logs for them."""
    value = clean(args.get(name, ""))
    if len(value) > limit:
        return Filter(name, label, value, error=too_long(limit), **shown)
    return Filter(name, label, value, value or None, **shown)


def _address(args: Mapping[str, str], name: str, label: Any) -> Filter:
    value = half_width(args.get(name, ""))
    told = lazy_gettext("An address or a network, such as 192.168.10.0/24.")
    if not value:
        return Filter(name, label, help=told)
    try:
        network = _network(value)
    except ValueError:
        error = gettext("This is not an IP address or network. It was left out of the search.")
        return Filter(name, label, value, help=told, error=error)
    return Filter(name, label, value, network, help=told)


def _network(typed: str) -> str:
    return str(ipaddress.ip_network(typed, strict=False))
