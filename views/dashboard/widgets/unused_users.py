"""未ログインユーザ: the users who have never signed in, with the state of their sign-up (§5.1 (7))."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext

from models import clock
from models.dashboard.unused_users import page_of
from models.db import db
from models.portal_users.portal_user import SignUpState
from views.arguments import choice, page_number
from views.base import url_if
from views.dashboard.paging import SIZE, pager
from views.page_url import arguments_kept
from views.screen import formats
from views.screen.table import Empty, Picker, filled_table
from views.widget import HALF, Listing, Shown, Widget

_RIGHT = ("can_list", "PortalUsers")
_ALL = "all"
_LABELS = {
    SignUpState.OPEN: lazy_gettext("Within the sign-up period"),
    SignUpState.EXPIRED: lazy_gettext("Sign-up period expired"),
    SignUpState.DONE: lazy_gettext("Sign-up completed"),
}
_CHOICES = {_ALL: lazy_gettext("All"), **{state.value: label for state, label in _LABELS.items()}}
_STATE = formats.badge(_LABELS, {SignUpState.OPEN: "green", SignUpState.EXPIRED: "red", SignUpState.DONE: "blue"})


def _draw(shown: Shown) -> Listing:
    chosen = choice("users", _CHOICES, _ALL)
    state = None if chosen == _ALL else SignUpState(chosen)
    page = page_of(db.session(), state, now=shown.now, number=page_number("users_page"), size=SIZE)
    table = filled_table(
        [
            (gettext("Company ID"), formats.linked_value(formats.CODE), _customer),
            (gettext("User name"), formats.TEXT, lambda each: f"{each.last_name} {each.first_name}"),
            (gettext("Status"), _STATE, lambda each: each.state),
        ],
        page.rows,
        title=WIDGET.title,
        stacks=False,
        note=gettext("As of %(time)s", time=clock.screen_time(shown.now)),
        empty=Empty("users", gettext("There is no such user.")),
        picker=Picker("users", gettext("Status"), _CHOICES, chosen, arguments_kept("users", "users_page")),
        **pager("users_page", page),
    )
    return Listing(table)


def _customer(user: Any) -> formats.LinkedValue:
    url = url_if("can_show", "Customers", "CustomerView.show", customer_id=user.customer_id)
    return formats.LinkedValue(user.customer_id, url)


WIDGET = Widget("unused_users", lazy_gettext("Users who never signed in"), _RIGHT, 120, _draw, width=HALF)
