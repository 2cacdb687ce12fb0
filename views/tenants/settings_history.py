"""The change history of the tenant settings."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_babel import gettext, lazy_gettext

from views.screen.history import page_history
from views.screen.table import Table
from views.tenants.settings_form import GRACE_DAYS, PASSKEY_SIGN_IN, REPORT_PDF, SECOND_FACTOR

LABELS: dict[str, Any] = {
    "utm_applications": lazy_gettext("UTM applications"),
    "shortage_grace_days": lazy_gettext(GRACE_DAYS),
    "report_pdf": lazy_gettext(REPORT_PDF),
    "second_factor_required": lazy_gettext(SECOND_FACTOR),
    "passkey_sign_in": lazy_gettext(PASSKEY_SIGN_IN),
    "display_name": lazy_gettext("Display name"),
    "colour": lazy_gettext("Colour"),
    "contact": lazy_gettext("Contact"),
    "origins": lazy_gettext("Allowed URLs of the application page"),
    "links": lazy_gettext("Links"),
    "logo_hash": lazy_gettext("Logo"),
    "invitation_number": lazy_gettext("Invitation URL"),
}
"""The labels of what the audit log has about the settings."""

_CHOICES: dict[str, tuple[Any, Any]] = {
    "utm_applications": (lazy_gettext("Do not use"), lazy_gettext("Use")),
    "report_pdf": (lazy_gettext("Do not attach"), lazy_gettext("Attach")),
    "second_factor_required": (lazy_gettext("Do not require"), lazy_gettext("Require")),
    "passkey_sign_in": (lazy_gettext("Do not allow"), lazy_gettext("Allow")),
}
_VERSION_LENGTH = 8
"""So much of the hash of a logo tells one from another."""


def settings_history() -> Table:
    """Return the changes of the settings of the present tenant, newest first."""
    return page_history(
        "TenantSettings", [g.identity.tenant.id], label=lambda _entry, name: LABELS.get(name, name), text=_text
    )


def _text(name: str, value: Any) -> str:
    if name in _CHOICES:
        return str(_CHOICES[name][bool(value)])
    match name:
        case "origins":
            return "\n".join(value) or "-"
        case "links":
            return "\n".join(f"{each['name']} {each['url']}" for each in value) or "-"
        case "logo_hash" if value:
            return str(value)[:_VERSION_LENGTH]
        case "shortage_grace_days":
            return gettext("%(days)s days", days=value)
        case _:
            return "-" if value in {None, ""} else str(value)
