"""What an area of views tells the application of itself: its register, in the area's ``__init__.py``.

A register is made of these names, each optional:

``SCREENS``       the views, in the order in which they are added
``APIS``          the HTTP APIs
``BLUEPRINTS``    what is no view of Flask-AppBuilder
``RIGHTS``        name of a view in permissions -> ``Rights``
``MENU``          lines of the menus
``PUBLIC``        endpoints that anybody may call
``TENANTLESS``    endpoints that need a user and no chosen tenant
``UPLOADS``       endpoints whose forms have files
``RATE_LIMITS``   how often views and APIs may be called
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from models.errors import N_


@dataclass(frozen=True)
class Rights:
    """The permissions on a view, by who has them.

    :param label: what they are about, marked for translation.
    :param read: every role of a tenant has these.
    :param write: operators, and everybody of NEC.
    :param staff: NEC's staff and administrators.
    :param admin: NEC's administrators.
    :param words: what a permission lets its holder do, for those that ``COMMON_WORDS`` does not name.
    """

    label: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)


COMMON_WORDS = {
    "can_add": N_("Create"),
    "can_delete": N_("Delete"),
    "can_edit": N_("Change"),
    "can_list": N_("Look at the list"),
    "can_restore": N_("Restore"),
    "can_save": N_("Save"),
    "can_send_again": N_("Send again"),
    "can_show": N_("Look at details"),
}
"""What permissions let their holder do that several views have."""


class Place(StrEnum):
    """The menus: the side menu (§5.3), what is of every tenant or of none, and the user menu (§5.4).

    ``NOWHERE`` is for screens no menu leads to, on which people begin whose role has nothing else.
    """

    SIDE = "side"
    STAFF = "staff"
    USER = "user"
    NOWHERE = "nowhere"


class MenuEntry(NamedTuple):
    """A line of a menu.

    :ivar order: lines with lower numbers stand above.
    :ivar label: translated where it is shown.
    :ivar right: the permission and the view that show it.
    :ivar views: those whose pages belong to it; the endpoint's own when not given.
    """

    place: Place
    order: int
    label: str
    endpoint: str
    right: tuple[str, str]
    icon: str = ""
    views: tuple[str, ...] = ()

    @property
    def own_views(self) -> tuple[str, ...]:
        """The views whose pages belong to it, the one it leads to first."""
        return self.views or (self.endpoint.partition(".")[0],)


class RateLimit(NamedTuple):
    """How often a view or an API may be called.

    :ivar view: the name of its class.
    :ivar setting: the setting with the limit.
    :ivar methods: the HTTP methods that count; None for all.
    :ivar key: what calls are counted by; None for the client's IP address.
    :ivar exempt: whether the present call does not count; None when all do.
    """

    view: str
    setting: str
    methods: tuple[str, ...] | None = None
    key: Callable[[], Any] | None = None
    exempt: Callable[[], bool] | None = None
