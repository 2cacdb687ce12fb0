"""The register of a package of views, declared in the package's ``__init__.py`` and read by the application.

A register consists of these names, all of them optional:

``SCREENS``       the views, in the order in which they are added
``APIS``          the HTTP APIs
``BLUEPRINTS``    blueprints that are not views of Flask-AppBuilder
``RIGHTS``        the view's name in permissions -> ``Rights``
``MENU``          the menu entries
``PUBLIC``        endpoints that do not require authentication
``TENANTLESS``    endpoints that require a user, but no selected tenant
``SET_UP``        endpoints that users can reach before they have set up the second factor that they must have
``UPLOADS``       endpoints whose forms have files
``LARGE_UPLOADS`` those of them whose files may be larger than other forms
``RATE_LIMITS``   the rate limits of views and APIs
``WIDGETS``       the widgets of the dashboard (``views.widget``)
``SHARED_LINKS``  functions that return a ``SharedLink`` for a customer's page, None for no link
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from models.errors import N_


@dataclass(frozen=True)
class Rights:
    """The permissions on a view, grouped by the roles that have them.

    :param label: the subject of the permissions, marked for translation.
    :param read: permissions of every role in a tenant.
    :param write: permissions of operators and of all NEC roles.
    :param staff: permissions of NEC's staff and administrators.
    :param admin: permissions of NEC's administrators.
    :param labels: descriptions of the permissions that are not in ``COMMON_LABELS``.
    """

    label: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


COMMON_LABELS = {
    "can_add": N_("Create"),
    "can_delete": N_("Delete"),
    "can_edit": N_("Change"),
    "can_list": N_("Look at the list"),
    "can_restore": N_("Restore"),
    "can_save": N_("Save"),
    "can_send_again": N_("Send again"),
    "can_show": N_("Look at details"),
}
"""Descriptions of the permissions that several views have in common."""


class Place(StrEnum):
    """The menus: the side menu (§5.3), the staff menu for screens that are not about one tenant, the user menu (§5.4).

    ``HIDDEN`` is for screens that are in no menu but can be the landing page of a role without access to the others.
    """

    SIDE = "side"
    STAFF = "staff"
    USER = "user"
    HIDDEN = "nowhere"


class MenuEntry(NamedTuple):
    """A menu entry.

    :ivar order: the sort key, in ascending order.
    :ivar label: the label, translated when displayed.
    :ivar right: the required permission and its view.
    :ivar views: the views whose pages belong to the entry; by default the view of the endpoint.
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
        """The views whose pages belong to the entry, starting with the one it links to."""
        return self.views or (self.endpoint.partition(".")[0],)


class RateLimit(NamedTuple):
    """The rate limit of a view or an API.

    :ivar view: the name of its class.
    :ivar setting: the name of the setting that contains the limit.
    :ivar methods: the HTTP methods that are counted; None for all.
    :ivar key: returns the key by which requests are counted; None for the client's IP address.
    :ivar exempt: returns whether the current request is not counted; None if all requests are counted.
    """

    view: str
    setting: str
    methods: tuple[str, ...] | None = None
    key: Callable[[], Any] | None = None
    exempt: Callable[[], bool] | None = None


class SharedLink(NamedTuple):
    """A link on a customer's page that the partner passes on to the customer.

    :ivar help: what the customer can do there.
    """

    label: str
    url: str
    help: str
