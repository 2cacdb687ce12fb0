"""Formats of values in tables, details, files and conflicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from flask import get_template_attribute
from flask_babel import gettext
from markupsafe import Markup, escape
from sqlalchemy import Boolean, Date, DateTime, Integer, Numeric
from sqlalchemy.types import TypeEngine

from models import clock
from models.db import db

_LINES = Markup('<span class="lines">%s</span>')
_BADGE = Markup('<span><span class="badge tone-%s">%s</span></span>')
_LINK = Markup('<a href="%s">%s</a>')
_CHOSEN = Markup(
    '<button class="btn btn-link" type="submit" formaction="{url}" value="{tenant_id}" name="tenant_id"'
    ' aria-label="{spoken}">{count}</button>'
)
_SUBMIT = Markup('<button class="btn btn-link font-monospace" type="submit" name="%s" value="%s">%s</button>')


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Format:
    """The format of a value.

    :param html: returns the value for a page; anything but markup is escaped.
    :param plain: returns the value for a file.
    :param css: the CSS classes of the table cell.
    :param empty: the placeholder for a missing value on a page.
    """

    html: Callable[[Any], Any] = _same
    plain: Callable[[Any], str] = str
    css: str = ""
    empty: Any = "-"

    def cell(self, value: Any) -> Any:
        """Return a value as displayed on a page."""
        return self.empty if value is None or value in ("", []) else self.html(value)

    def text(self, value: Any) -> str:
        """Return a value as displayed in a file or a conflict."""
        return "" if value is None else self.plain(value)

    def with_empty(self, empty: Any) -> Format:
        """Return the same format with another placeholder for a missing value."""
        return replace(self, empty=empty)


def _word(value: Any) -> Markup:
    # Put together without Markup's own formatting, which takes five times as long: a list has hundreds of them.
    return Markup(f'<span class="word">{escape(value)}</span>')  # nosec B704  # noqa: S704  (the value is escaped)


def _yen(value: Any) -> str:
    return f"{'-' if value < 0 else ''}¥{abs(value):,.0f}"


def _time(value: datetime) -> str:
    # FAB's own columns have no time zone; they are in UTC.
    return clock.screen_time(value if value.tzinfo else value.replace(tzinfo=UTC))


def _day(value: date) -> str:
    return value.isoformat()


def _yes_no(value: Any) -> str:
    return gettext("Yes") if value else gettext("No")


def _email(value: str) -> Markup:
    """Return an email address that may be wrapped before its @."""
    return Markup("<wbr>@").join(escape(part) for part in value.rsplit("@", 1))


def _names(rows: Any) -> str:
    # The audit log has the names themselves.
    return ", ".join(sorted(row if isinstance(row, str) else row.name for row in rows))


def _lines(value: Any) -> str:
    return "\n".join(value) if isinstance(value, list) else str(value)


def _postcode(value: str) -> str:
    digits = value.replace("-", "")
    return f"{digits[:3]}-{digits[3:]}"


def _phone_link(value: str) -> Markup:
    return Markup('<a class="word" href="tel:{0}">{0}</a>').format(value)


def _mail_link(value: str) -> Markup:
    return Markup('<a href="mailto:{}">{}</a>').format(value, _email(value))


PLAIN = Format()
TEXT = Format(css="text")
CODE = Format(_word, css="font-monospace")
WORD = Format(_word)
LINES = Format(lambda value: _LINES % _lines(value), _lines, css="text")
NUMBER = Format(lambda value: f"{value:,}", css="number")
YEN = Format(_yen, lambda value: f"{value:.0f}", css="number")
DAY = Format(lambda value: _word(_day(value)), _day)
TIME = Format(lambda value: _word(_time(value)), _time)
DAY_OF_TIME = Format(lambda value: _word(_time(value)[:10]), _time)
"""The day of a time in Tokyo, where there is no room for more; a file has the time too."""
YES_NO = Format(_yes_no, _yes_no)
EMAIL = Format(_email, css="text")
POSTCODE = Format(lambda value: _word(_postcode(value)), _postcode)
PHONE = Format(_phone_link)
MAIL_LINK = Format(_mail_link, css="text")
NAMES = Format(lambda rows: _names(rows) or "-", _names, css="text")


def badge(labels: Mapping[Any, Any], tones: Mapping[Any, str] | None = None) -> Format:
    """Return a format that displays a state as a coloured badge.

    :param labels: the label of each state, lazily translated.
    :param tones: the colour of each state; gray by default.
    """
    colours = tones or {}
    shown = Format(
        lambda value: _BADGE % (colours.get(value, "gray"), labels.get(value, value)),
        lambda value: str(labels.get(value, value)),
        css="unlabelled",
    )
    # A card on a phone repeats the label of the column only where the state alone says too little, as a yes or no does.
    return replace(shown, css="") if True in labels else shown


def word(labels: Mapping[Any, Any]) -> Format:
    """Return a format that displays the label of a value.

    :param labels: the label of each value, lazily translated.
    """
    return Format(lambda value: _word(labels.get(value, value)), lambda value: str(labels.get(value, value)))


def named(model: Any, name_of: Callable[[Any], Any] = lambda row: row.name) -> Format:
    """Return a format that displays the key of a row of another table as its name, or as it is if there is no such row.

    :param name_of: returns the name of a row.
    """

    def name(key: Any) -> str:
        row = db.session.get(model, key)
        return str(key if row is None else name_of(row))

    return Format(name, name)


def linked(url: str, text: Any) -> Markup:
    """Return a link; text that is not markup is escaped."""
    return _LINK % (url, text)


class LinkedValue(NamedTuple):
    """A value that leads to a page.

    :ivar url: None where the person may not open the page.
    """

    value: Any
    url: str | None


def linked_value(shown: Format) -> Format:
    """Return a format that shows a ``LinkedValue`` value as a link.

    :param shown: how the value itself is shown.
    """

    def cell(each: Any) -> Any:
        if not isinstance(each, LinkedValue):
            return shown.cell(each)
        text = shown.cell(each.value)
        return linked(each.url, text) if each.url else text

    return replace(
        shown, html=cell, plain=lambda each: shown.text(each.value if isinstance(each, LinkedValue) else each)
    )


def submit(name: str) -> Format:
    """Return a format that displays a value as a submit button, for a table that is a form.

    :param name: the name of the submitted form field.
    """
    return Format(lambda value: _SUBMIT % (name, value, value))


def chosen_tenant(tenant: Any, count: int, label: Any, url: str) -> Markup:
    """Return a figure of a tenant as a button that chooses the tenant, for a table that is a form.

    :param tenant: an object with the tenant's ``id`` and ``name``.
    :param label: what is counted.
    :param url: where the tenant is chosen.
    """
    spoken = f"{tenant.name} {label}: {count:,}"
    return _CHOSEN.format(url=url, tenant_id=tenant.id, spoken=spoken, count=f"{count:,}")


def made_by(template: str, macro: str, css: str = "") -> Format:
    """Return a format that renders a value with a macro.

    :param template: the template file that contains the macro.
    """

    def markup(value: Any) -> Any:
        # Macros belong to an application, so the macro is looked up in that of the request.
        return get_template_attribute(template, macro)(value)

    return Format(markup, css=css)


def as_stored(kind: TypeEngine[Any] | None, value: Any) -> Any:
    """Convert a value of the audit log to the Python type of its column.

    :param kind: the column's type; None if it is not a column.
    :param value: the JSON value.
    """
    if isinstance(value, str):
        match kind:
            case DateTime():
                return datetime.fromisoformat(value)
            case Date():
                return date.fromisoformat(value)
            case Numeric():
                return Decimal(value)
    return value


def default_format(kind: TypeEngine[Any] | None) -> Format:
    """Return the default format for the type of a column; None stands for a value that is not a column."""
    match kind:
        case Boolean():
            return YES_NO
        case DateTime():
            return TIME
        case Date():
            return DAY
        case Integer() | Numeric():
            return NUMBER
        case _:
            return TEXT
