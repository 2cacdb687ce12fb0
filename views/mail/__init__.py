"""Screens of the mail templates and of the mail log."""

from __future__ import annotations

from models.errors import N_
from views.mail.log import MailLogView
from views.mail.template_copy import MailTemplateCopyView
from views.mail.template_versions import MailTemplateVersionView
from views.mail.templates import MailTemplateView
from views.mail.undeliverable import UndeliverableView
from views.register import MenuEntry, Place, Rights

SCREENS = (MailTemplateView, MailTemplateVersionView, MailTemplateCopyView, MailLogView, UndeliverableView)
RIGHTS = {
    "MailLog": Rights(
        N_("Sent mail"),
        staff=("can_list", "can_show", "can_send_again", "can_send_failed_again"),
        labels={"can_send_failed_again": N_("Send failed again")},
    ),
    "MailTemplates": Rights(
        N_("Mail template settings"),
        read=("can_history", "can_list", "can_show", "can_version"),
        write=("can_copy", "can_edit", "can_reset", "can_restore"),
        labels={
            "can_history": N_("Look at the history"),
            "can_version": N_("Look at versions"),
            "can_copy": N_("Copy to other tenants"),
            "can_reset": N_("Reset to the default"),
        },
    ),
}
MENU = (
    MenuEntry(
        Place.STAFF,
        10,
        N_("Sent mail"),
        "MailLogView.list",
        ("can_list", "MailLog"),
        "mail",
        ("MailLogView", "UndeliverableView"),
    ),
    MenuEntry(Place.USER, 30, N_("Mail template settings"), "MailTemplateView.list", ("can_list", "MailTemplates")),
)
