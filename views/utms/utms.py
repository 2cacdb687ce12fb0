"""The screen of UTMs: registration (§7.8) and details (§7.11). Their list is in ``views.utms.listing``."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext
from wtforms import Form
from wtforms.validators import ValidationError

from models import clock
from models.contracts import contract
from models.db import db
from models.errors import N_
from models.utms import device_token, utm
from models.utms.utm import Utm
from views.base import actor, first_of, url_if
from views.customers.customers import CustomerView
from views.customers.tabs import security_url
from views.data_interface import PortalInterface
from views.forms.applied_address import address_choice, is_filling
from views.forms.fields import (
    EmailAddressField,
    HyphenField,
    MaxLength,
    OneLine,
    PostcodeField,
    Required,
    TextField,
    ValidEmail,
)
from views.forms.postcode import PostcodeLookup
from views.forms.utm_id import UtmId, UtmIdField
from views.screen import formats
from views.screen.actions import action
from views.screen.form import ScreenForm
from views.screen.formats import Format, LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.navigation import Parent, list_arguments, with_arguments
from views.screen.table import Button
from views.shown_once import show_token_once
from views.utms.listing import UtmList
from views.utms.overview import warning_before_one_more
from views.utms.state import STATE, state_of

_SERIAL = re.compile(r"[A-Z0-9-]{15,30}")

EMAIL_GROUPS = {
    "customer": lazy_gettext("Notified (customer)"),
    "desk": lazy_gettext("Notified (service desk)"),
    "report": lazy_gettext("Monthly report: additional recipients"),
}
EMAIL_HINTS = {
    "customer": lazy_gettext("Important alerts are mailed to these addresses. The customer can change them too."),
    "desk": lazy_gettext("Important alerts are mailed to these addresses."),
    "report": lazy_gettext("The monthly report is sent to all three groups of addresses."),
}
_TYPED_AS_IS = {"autocomplete": "off", "spellcheck": "false"}
EMAILS = {group: [f"{group}_email{number}" for number in (1, 2, 3)] for group in EMAIL_GROUPS}


def _is_serial(_form: Form, field: Any) -> None:
    if not _SERIAL.fullmatch(field.data):
        raise ValidationError(gettext("Enter 15 to 30 characters of A-Z, 0-9 and hyphens."))


class SerialField(HyphenField):
    """A serial number, normalized to upper case."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Normalize the input."""
        super().process_formdata(valuelist)
        self.data = (self.data or "").upper()


class UtmForm(PostcodeLookup, ScreenForm):
    """基本情報 of a UTM; the nine email address fields are added below."""

    utm_id = UtmIdField(
        lazy_gettext("UTM ID"),
        [Required(), UtmId()],
        description=lazy_gettext(
            "12 characters: the MAC address WAN on the bottom of the UTM, without colons and in lower case."
        ),
        render_kw=_TYPED_AS_IS,
    )
    name = TextField(
        lazy_gettext("UTM name"),
        [Required(), MaxLength(50), OneLine()],
        description=lazy_gettext("The customer can change it too."),
    )
    serial = SerialField(
        lazy_gettext("Serial number"),
        [Required(), _is_serial],
        description=lazy_gettext("15 to 30 characters, as written on the bottom of the UTM."),
        render_kw=_TYPED_AS_IS,
    )
    postcode = PostcodeField()
    address = TextField(
        lazy_gettext("Address"),
        [Required(), MaxLength(104), OneLine()],
        description=lazy_gettext(
            "An address filled in from the postcode may lack the house number. Please complete it."
        ),
    )
    delivery_status = TextField(
        lazy_gettext("Delivery status"),
        [Required(), MaxLength(104), OneLine()],
        description=lazy_gettext("Example: received. The customer does not see it."),
    )

    fieldsets: ClassVar = (
        (
            lazy_gettext("Basic information"),
            {"fields": ["utm_id", "name", "serial", "postcode", "address", "delivery_status"]},
        ),
        *((title, {"fields": EMAILS[group], "hint": EMAIL_HINTS[group]}) for group, title in EMAIL_GROUPS.items()),
    )
    beside_fields: ClassVar = {**PostcodeLookup.beside_fields, "serial": "screen/_applied_addresses.html"}
    widths: ClassVar = {
        **dict.fromkeys(("utm_id", "name", "serial", "postcode"), "col-12 col-md-6"),
        **dict.fromkeys((name for names in EMAILS.values() for name in names), "col-12 col-md-4"),
    }


for _names in EMAILS.values():
    for _number, _name in enumerate(_names, start=1):
        _label = lazy_gettext("Email address %(number)s", number=_number)
        setattr(UtmForm, _name, EmailAddressField(_label, [ValidEmail()], render_kw={"autocomplete": "off"}))


def alerts_url(row: Utm) -> str | None:
    """Return the URL of the alerts of a UTM in the period that アラート数 counts; None if the person may not see them."""
    return url_if("can_list", "Alerts", "AlertView.list", customer_id=row.customer_id, utm=row.id)


class UtmView(UtmList):
    """The UTMs of one customer."""

    datamodel = PortalInterface(Utm)
    labels = Labels(
        lazy_gettext("UTM"),
        lazy_gettext("UTMs"),
        "router",
        {
            "add_button": N_("Register"),
            "add_title": N_("Register UTM"),
            "ask_add": N_("The UTM information will be registered. Are you sure?"),
            "added": N_("UTM information has been registered."),
            "empty": N_("There is no UTM yet."),
            "empty_hint": N_("Register the UTM at the customer's site."),
        },
    )
    form = UtmForm
    methods = frozenset({"add", "show"})
    route_base = "/customers/<string:customer_id>/utms"
    row_rule = "<key:utm_key>"
    class_permission_name = "Utms"
    parent = Parent(CustomerView, "customer_id")
    unique_errors = utm.UNIQUE_ERRORS
    show_template = "utms/show.html"
    secret_help = lazy_gettext("It is shown only once. Enter it in the UTM, and do not store it anywhere else.")
    show_fieldsets: ClassVar = [
        (
            lazy_gettext("Basic information"),
            {
                "fields": [
                    *(
                        "customer_id",
                        "utm_id",
                        "name",
                        "state",
                        "mac_address",
                        "last_seen_at",
                        "firmware",
                        "ip_address",
                    ),
                    *("reported_mac", "serial", "postcode", "address", "delivery_status"),
                ]
            },
        ),
        *((title, {"fields": EMAILS[group]}) for group, title in EMAIL_GROUPS.items()),
    ]
    label_columns: ClassVar = {
        "customer_id": lazy_gettext("Company ID"),
        "state": lazy_gettext("Operation"),
        "mac_address": lazy_gettext("MAC address entry"),
        "alert_count": lazy_gettext("Alerts"),
        "last_seen_at": lazy_gettext("Last connected"),
        "firmware": lazy_gettext("Version"),
        "ip_address": lazy_gettext("IP address"),
        "reported_mac": lazy_gettext("MAC address it reports"),
    }
    formatters_columns: ClassVar = {
        "customer_id": linked_value(formats.CODE),
        "state": STATE,
        "utm_id": formats.CODE,
        "serial": formats.CODE,
        "postcode": formats.POSTCODE,
        **dict.fromkeys((name for names in EMAILS.values() for name in names), formats.MAIL_LINK),
        "ip_address": formats.CODE,
        "reported_mac": formats.CODE,
        "alert_count": linked_value(formats.NUMBER),
        "mac_address": Format(lambda _mac: gettext("Entered"), empty=lazy_gettext("Not entered")),
    }

    def value(self, row: Utm, name: str) -> Any:
        """Return the value of a column for a UTM."""
        match name:
            case "state":
                return state_of(row)
            case "customer_id":
                return LinkedValue(row.customer_id, CustomerView.of().url_if("show", g.parent_row))
            case "alert_count":
                return LinkedValue(row.alert_count, alerts_url(row))
            case "reported_mac" if row.reports_another_mac:
                return gettext("%(mac)s (not the one of this UTM ID)", mac=row.reported_mac)
            case _:
                return super().value(row, name)

    def page_buttons(self, row: Utm) -> list[Button]:
        """Return the buttons of a UTM's page, with the link to its alerts."""
        url = alerts_url(row)
        alerts = [Button(gettext("See alerts"), url, "list-check")] if url else []
        return [*alerts, *super().page_buttons(row)]

    def details(self, row: Utm) -> Any:
        """Return the details of a UTM; values that come from heartbeats are omitted until the first one."""
        told_later = {"last_seen_at", "firmware", "ip_address"} if row.last_seen_at is None else set()
        left_out = told_later | (set() if row.reported_mac else {"reported_mac"})
        return [
            (title, self._facts(row, [name for name in part["fields"] if name not in left_out]), [])
            for title, part in self.show_fieldsets
        ]

    def crumbs(self, row: Any = None, leaf: Any = None) -> list[tuple[Any, str | None]]:
        """Return the breadcrumbs, with the security tab in place of the list."""
        crumbs = super().crumbs(row, leaf)
        url, given = security_url(g.parent_row), list_arguments()
        crumbs.insert(3, (gettext("Security service"), with_arguments(url, given) if url and given else url))
        return crumbs

    def refusal(self, method: str, row: Any) -> str | None:
        """Return the reason why no UTM can be registered at present, None if one can."""
        today = clock.tokyo_day(clock.utc_now())
        if method == "add" and not contract.allows_utm(db.session(), g.parent_row.id, today=today):
            return utm.NO_CONTRACT
        return None

    def warning(self, row: Any) -> str | None:
        """Return that there would be more UTMs than contracted."""
        return warning_before_one_more(g.parent_row) if row is None else None

    def form_page(self, form: UtmForm, row: Any = None, conflict: Any = None, **more: Any) -> str:
        """Return the page of the form; where a UTM is registered, with the addresses of approved applications (§7.8)."""
        choice = address_choice(g.parent_row.id) if row is None else None
        if choice is not None:
            delivery = choice.first if request.method == "GET" else None
            if is_filling() and choice.chosen is not None:
                delivery = choice.chosen.delivery
            if delivery is not None:
                form.postcode.data, form.address.data = delivery.postcode, delivery.full_address
        page: str = super().form_page(form, row, conflict, address_choice=choice, **more)
        return page

    def assist(self, form: UtmForm) -> dict[str, Any] | None:
        """Fill in the address of the postcode, or that of an approved application."""
        return {} if is_filling() else super().assist(form)

    def create(self, form: UtmForm) -> Utm:
        """Register a UTM and show its token on the next page."""
        now = clock.utc_now()
        made = utm.register(db.session(), g.parent_row, form.values(), today=clock.tokyo_day(now), by=actor())
        show_token_once(made, device_token.issue(db.session(), made, now=now, by=actor()))
        return made

    def after_creation(self, row: Utm) -> str:
        """Return the URL of the security tab, which lists the UTM and shows its token."""
        return self.cancel_url()

    def cancel_url(self) -> str:
        """Return the URL of the first parent page that the user may open."""
        customers = CustomerView.of()
        return first_of(security_url(g.parent_row), customers.url_if("show", g.parent_row), customers.url_if("list"))

    @action(
        N_("Reissue"),
        icon="refresh",
        title=N_("API token"),
        question=N_("A new token will be issued. The present one stops working at once. Are you sure?"),
        tone="danger",
        done=N_("A new token has been issued."),
        already=N_("This UTM has been removed."),
        when=lambda utm: utm.removed_at is None,
        single=False,
        url="/{row}/token",
    )
    def issue_token(self, row: Utm) -> None:
        """Issue a new device API token for a UTM and invalidate the old one."""
        show_token_once(row, device_token.issue(db.session(), row, now=clock.utc_now(), by=actor()))

    def token_button(self, row: Utm) -> Button | None:
        """Return the button that issues a new token; None if the user may not, or the UTM was removed."""
        if row.removed_at is not None or not self.may("issue_token"):
            return None
        issue = next(each for each in self.actions_of_rows if each.name == "issue_token")
        return self.action_button(issue, row, {})
