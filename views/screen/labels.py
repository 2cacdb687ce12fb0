"""The texts of a screen, derived from the name of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext

from models.errors import N_

_DEFAULTS = {
    "add_button": N_("Create"),
    "edit_button": N_("Change"),
    "delete_button": N_("Delete"),
    "restore_button": N_("Restore"),
    "add_title": N_("Create %(thing)s"),
    "edit_title": N_("Change %(thing)s"),
    "delete_title": N_("Delete %(thing)s"),
    "restore_title": N_("Restore %(thing)s"),
    "ask_add": N_("The %(thing)s will be created. Are you sure?"),
    "ask_edit": N_("The %(thing)s will be changed. Are you sure?"),
    "ask_delete": N_("%(name)s will be deleted. Are you sure?"),
    "ask_restore": N_("%(name)s will be restored. Are you sure?"),
    "added": N_("The %(thing)s has been created."),
    "changed": N_("The %(thing)s has been changed."),
    "deleted": N_("The %(thing)s has been deleted."),
    "restored": N_("The %(thing)s has been restored."),
    "already_deleted": N_("This %(thing)s has already been deleted."),
    "already_restored": N_("This %(thing)s has already been restored."),
    "conflict": N_("Somebody else changed this %(thing)s while you were editing."),
    "empty": N_("There is no %(thing)s yet."),
    "empty_hint": "",
    "no_match": N_("No %(thing)s matches these conditions."),
    "no_match_hint": "",
    "show_all": N_("Show all"),
    "edit_name": N_("Change %(name)s"),
    "delete_name": N_("Delete %(name)s"),
    "restore_name": N_("Restore %(name)s"),
}


@dataclass(frozen=True)
class Labels:
    """The names of a screen's rows, and the texts that differ from the defaults.

    :param one: the name of a row, for use in a sentence; lazily translated.
    :param many: the name of the rows, for use as a title; lazily translated.
    :param icon: the icon of the empty list.
    :param texts: the screen's own texts, with the keys of ``_DEFAULTS``. ``%(thing)s`` is the placeholder for ``one``,
        ``%(name)s`` for the name of the row.
    """

    one: Any
    many: Any
    icon: str = "list"
    texts: Mapping[str, str] = field(default_factory=dict)

    def message(self, key: str, name: str = "") -> str:
        """Return a text in the language of the request.

        :param name: the name of the row that the text is about.
        """
        text = self.texts.get(key, _DEFAULTS[key])
        return gettext(text, thing=self.one, name=name) if text else ""
