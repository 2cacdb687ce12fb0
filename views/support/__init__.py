"""Screens of announcements and support."""

from __future__ import annotations

from models.errors import N_
from views.register import MenuEntry, Place, Rights
from views.support.announcements import AnnouncementView
from views.support.staff_announcements import StaffAnnouncementView
from views.support.support import SupportPageView, SupportView

SCREENS = (AnnouncementView, StaffAnnouncementView, SupportView, SupportPageView)
RIGHTS = {
    "Announcements": Rights(N_("Announcements"), read=("can_list", "can_show")),
    "StaffAnnouncements": Rights(
        N_("Manage announcements"),
        staff=("can_list", "can_show", "can_add", "can_edit", "can_delete", "can_publish", "can_withdraw"),
        labels={"can_publish": N_("Publish"), "can_withdraw": N_("Unpublish")},
    ),
    "Support": Rights(N_("Support"), read=("can_index",)),
    "SupportPage": Rights(N_("Support page"), staff=("can_edit",)),
}
MENU = (
    MenuEntry(
        Place.SIDE, 50, N_("Announcements"), "AnnouncementView.list", ("can_list", "Announcements"), "speakerphone"
    ),
    MenuEntry(Place.SIDE, 60, N_("Support"), "SupportView.index", ("can_index", "Support"), "lifebuoy"),
    MenuEntry(
        Place.STAFF,
        50,
        N_("Manage announcements"),
        "StaffAnnouncementView.list",
        ("can_list", "StaffAnnouncements"),
        "speakerphone",
    ),
    MenuEntry(Place.STAFF, 60, N_("Support page"), "SupportPageView.edit", ("can_edit", "SupportPage"), "lifebuoy"),
)
