"""The tables of the tenant settings: the extra questions, and the lists for users with read access only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext

from models.tenants.settings_rules import SettingsInput
from views.screen import formats
from views.screen.table import Button, Empty, Table, filled_table
from views.tenants.settings_form import (
    GRACE_DAYS,
    PASSKEY_SIGN_IN,
    REPORT_PDF,
    SECOND_FACTOR,
    allowed,
    attached,
    required,
)


def facts(settings: SettingsInput) -> list[tuple[str, str, str]]:
    """Return the label, the value and the CSS classes of each setting that is not a list."""
    used = gettext("Use") if settings.utm_applications else gettext("Do not use")
    days = gettext("%(days)s days", days=settings.shortage_grace_days)
    return [
        (gettext("UTM applications"), used, ""),
        (gettext(GRACE_DAYS), days, ""),
        (gettext(REPORT_PDF), attached(settings), ""),
        (gettext(SECOND_FACTOR), required(settings), ""),
        (gettext(PASSKEY_SIGN_IN), allowed(settings), ""),
        (gettext("Display name"), settings.display_name, ""),
        (gettext("Colour"), settings.colour, ""),
        (gettext("Contact"), settings.contact, "lines"),
    ]


def origins_table(settings: SettingsInput) -> Table:
    """Return the table of the sites from which the application page may be opened."""
    return filled_table(
        [(gettext("URL"), formats.TEXT, str)],
        settings.origins,
        title=gettext("Allowed URLs of the application page"),
        empty=Empty(
            "link",
            gettext("No URL has been added."),
            gettext("The application page is open to visitors from every site."),
        ),
    )


def links_table(settings: SettingsInput) -> Table:
    """Return the table of the links that the customers' portal displays."""
    return filled_table(
        [
            (gettext("Link name"), formats.TEXT, lambda link: link.name),
            (gettext("URL"), formats.TEXT, lambda link: link.url),
            (gettext("Description"), formats.LINES, lambda link: link.description),
            (gettext("Posting date"), formats.DAY, lambda link: link.posted_on),
        ],
        settings.links,
        title=gettext("Links"),
        empty=Empty("external-link", gettext("No link has been added.")),
    )


def questions_table(questions: Sequence[Any], edit_url: str | None) -> Table:
    """Return the table of the extra questions of the service application.

    :param edit_url: the URL of the screen for editing them; None if the user may not.
    """
    return filled_table(
        [
            (gettext("Item name"), formats.TEXT, lambda each: each.title),
            (gettext("Required"), formats.WORD, _required),
            (gettext("Type of answer"), formats.WORD, _kind),
            (gettext("Options"), formats.LINES, lambda each: each.choices),
        ],
        questions,
        title=gettext("Service application: additional items"),
        links=[Button(gettext("Edit items"), edit_url, "pencil")] if edit_url else [],
        empty=Empty(
            "list-check",
            gettext("There is no additional item."),
            gettext("Ask NEC if you need one on the application form."),
        ),
    )


def _required(question: Any) -> str:
    return gettext("Required item") if question.required else gettext("Optional item")


def _kind(question: Any) -> str:
    return gettext("Selection") if question.kind == "choice" else gettext("Free text")
