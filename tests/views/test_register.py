from __future__ import annotations

from views.register import MenuEntry, Place

RIGHT = ("can_list", "Seminars")


def test_the_pages_of_the_view_a_line_leads_to_belong_to_it():
    assert MenuEntry(Place.SIDE, 50, "Seminars", "SeminarView.list", RIGHT).own_views == ("SeminarView",)


def test_a_line_can_have_the_pages_of_several_views():
    entry = MenuEntry(Place.SIDE, 50, "Seminars", "SeminarView.list", RIGHT, "calendar", ("SeminarView", "GuestView"))

    assert entry.own_views == ("SeminarView", "GuestView")
