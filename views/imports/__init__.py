"""The import of customers, with contracts and UTMs, from files."""

from __future__ import annotations

from models.errors import N_
from views.imports.imports import ImportView
from views.imports.utms import UtmImportView
from views.register import MenuEntry, Place, Rights

SCREENS = (ImportView, UtmImportView)
RIGHTS = {
    "Imports": Rights(
        N_("Import of customers"),
        write=(
            "can_list",
            "can_template",
            "can_check",
            "can_show",
            "can_start",
            "can_discard",
            "can_undo",
            "can_tokens",
        ),
        labels={
            "can_template": N_("Download the template"),
            "can_check": N_("Check a file"),
            "can_start": N_("Import"),
            "can_discard": N_("Discard"),
            "can_undo": N_("Undo"),
            "can_tokens": N_("Download API tokens"),
        },
    )
}
MENU = (MenuEntry(Place.HIDDEN, 20, "", "ImportView.list", ("can_list", "Imports")),)
UPLOADS = ("ImportView.check", "UtmImportView.check")
