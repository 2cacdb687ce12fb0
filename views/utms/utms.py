"""The screen of UTMs: registration, change, removal and details (§7.8 to §7.11); their list is in ``views.utms.listing``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext

from models import clock
from models.contracts import contract
from models.db import db
from models.errors import N_
from models.utms import device_token, rules, utm
from models.utms.utm import Utm
from views.base import actor, first_of, url_if
from views.customers.customers import CustomerView
from views.customers.tabs import security_url
from views.data_interface import PortalInterface
from views.forms.applied_address import address_choice, is_filling
from views.screen import formats
from views.screen.actions import action
from views.screen.formats import Format, LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.navigation import Parent, list_arguments, with_arguments
from views.screen.table import Button, Table
from views.shown_once import show_token_once
from views.utms.exchange import CONTRACT_FIRST, ExchangePage, utm_links
from views.utms.form import EMAIL_GROUPS, EMAILS, UtmChangeForm, UtmForm
from views.utms.listing import UtmList
from views.utms.overview import warning_before_one_more
from views.utms.reboot_facts import BUTTONS, PLAN, reboot_buttons, recent_reboots
from views.utms.state import STATE, state_of
from views.utms.states import page_of, states_url


def alerts_url(row: Utm) -> str | None:
    """Return the URL of the alerts of a UTM in the period that アラート数 counts; None if the person may not see them."""
    return url_if("can_list", "Alerts", "AlertView.list", customer_id=row.customer_id, utm=row.id)


class UtmView(ExchangePage, UtmList):
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
            "edit_title": N_("Change UTM information"),
            "ask_edit": N_("The UTM information will be changed. Are you sure?"),
            "changed": N_("UTM information has been changed."),
            "delete_title": N_("Confirm the removal of the UTM"),
            "ask_delete": N_(
                "%(name)s will be removed. Its API token stops working at once, and its contract is unlinked. Its alerts stay "
                "in the lists, but can no longer be downloaded. Are you sure?"
            ),
            "deleted": N_("UTM information has been deleted."),
            "already_deleted": N_("This UTM has been removed."),
            "empty": N_("There is no UTM yet."),
            "empty_hint": N_("Register the UTM at the customer's site."),
        },
    )
    form = UtmForm
    form_template = "utms/form.html"
    rules = rules
    methods = frozenset({"add", "show", "edit", "delete"})
    trash = "removed_at"
    shows_deleted = True
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
                    *("reported_mac", "serial", "postcode", "address", "delivery_status", "earlier", "later"),
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
        "reboot": lazy_gettext("UTM reboot"),
        "reboot_plan": lazy_gettext("Scheduled reboot"),
        "last_seen_at": lazy_gettext("Last connected"),
        "firmware": lazy_gettext("Version"),
        "ip_address": lazy_gettext("IP address"),
        "reported_mac": lazy_gettext("MAC address it reports"),
        "removed_at": lazy_gettext("Removed on"),
        "replaces_id": lazy_gettext("Exchanged from"),
        "earlier": lazy_gettext("Exchanged from"),
        "later": lazy_gettext("Exchanged for"),
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
        "reboot": BUTTONS,
        "reboot_plan": PLAN,
        "mac_address": Format(lambda _mac: gettext("Entered"), empty=lazy_gettext("Not entered")),
        "replaces_id": formats.named(Utm, lambda row: row.utm_id),
        "earlier": utm_links(lambda row: UtmView.of().url("show", row)),
        "later": utm_links(lambda row: UtmView.of().url("show", row)),
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

    def first_contact(self, row: Utm) -> dict[str, Any]:
        """Return the variables with which a UTM's page waits for its first contact, and keeps its state up to date."""
        since = None if row.removed_at is not None else state_of(row)
        waits = since if since is not None and since.state == utm.UtmState.UNCONNECTED else None
        url = states_url([row.id], waits=row if waits else None) if since is not None else None
        return {"waits": waits, "page_of": {row.id: page_of(row)}, "states_url": url}

    def label_alone(self, name: str) -> Any:
        """Return the label of a column, for an email address with the title of its group before it."""
        label = super().label_alone(name)
        group = next((group for group, names in EMAILS.items() if name in names), None)
        return label if group is None else f"{EMAIL_GROUPS[group]} {label}"

    def fixed_facts(self, row: Utm | None) -> list[tuple[Any, Any, str]]:
        """Return what the form of a UTM shows and cannot change: of a new one, the company ID (§7.8, §7.9)."""
        if row is None:
            customer_id = LinkedValue(g.parent_row.id, CustomerView.of().url_if("show", g.parent_row))
            shown = self.formats["customer_id"]
            return [(self.label_of("customer_id"), shown.cell(customer_id), shown.css)]
        mac = (
            [(gettext("MAC address"), formats.CODE.cell(row.mac_address), formats.CODE.css)] if row.mac_address else []
        )
        identity = self._facts(row, ["customer_id", "utm_id"])
        return [*identity, *mac, *self._facts(row, ["serial"])]

    def old_facts(self, row: Utm) -> list[tuple[Any, Any, str]]:
        """Return what the page that exchanges a UTM says of it."""
        return self._facts(row, ["customer_id", "utm_id", "name", "serial", "address"])

    def page_buttons(self, row: Utm) -> list[Button]:
        """Return the buttons of a UTM's page, with the link to its alerts and those that reboot or exchange it."""
        url = alerts_url(row)
        alerts = [Button(gettext("See alerts"), url, "list-check")] if url else []
        reboot = reboot_buttons(row, self.back_argument(), css="btn") if row.removed_at is None else []
        found = super().page_buttons(row)
        if (exchanges := self.exchange_button(row)) is not None:
            # Before the button that removes it, which stays the last one.
            found.insert(-1 if self.may("delete") else len(found), exchanges)
        return [*alerts, *self._ticket_buttons(row), *reboot, *found]

    @staticmethod
    def _ticket_buttons(row: Utm) -> list[Button]:
        """Return the button that creates a ticket about a UTM, as a list that is empty where there is none."""
        if row.removed_at is not None:
            return []
        url = url_if("can_create", "Tickets", "TicketFormView.create", customer=row.customer_id, utm=row.id)
        return [Button(gettext("Create an inquiry"), url, "ticket")] if url else []

    def related(self, row: Utm) -> Sequence[Table]:
        """Return the last reboots of a UTM."""
        table = recent_reboots(row)
        return [table] if table else []

    def details(self, row: Utm) -> Any:
        """Return the details of a UTM; values that come from heartbeats are omitted until the first one."""
        told_later = {"last_seen_at", "firmware", "ip_address"} if row.last_seen_at is None else set()
        left_out = told_later | (set() if row.reported_mac else {"reported_mac"})
        left_out |= {name for name in ("earlier", "later") if not self.value(row, name)}
        return [
            (title, self._facts(row, [name for name in part["fields"] if name not in left_out]), [])
            for title, part in self.show_fieldsets
        ]

    def crumbs(self, row: Any = None, leaf: Any = None) -> list[tuple[Any, str | None]]:
        """Return the breadcrumbs, with the security tab in place of the list."""
        crumbs = super().crumbs(row, leaf)
        crumbs.insert(3, (gettext("Security service"), self._tab_url()))
        return crumbs

    def _tab_url(self) -> str | None:
        """Return the URL of the security tab as it was when the page was opened from it; None if the user may not open it."""
        url, given = security_url(g.parent_row), list_arguments()
        return with_arguments(url, given) if url and given else url

    def refusal(self, method: str, row: Any) -> str | None:
        """Return the reason why no UTM can be registered or exchanged at present, None if one can."""
        reason = {"add": utm.NO_CONTRACT, "exchange": CONTRACT_FIRST}.get(method)
        today = clock.tokyo_day(clock.utc_now())
        if reason is None or contract.allows_utm(db.session(), g.parent_row.id, today=today):
            return None
        return reason

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

    def form_of(self, row: Utm) -> UtmChangeForm:
        """Return the form for changing a UTM, with its values or the submitted ones."""
        return UtmChangeForm.of(row)

    def page_of(self, row: Utm) -> str:
        """Return the URL of the security tab, where §7.9 leads after a change."""
        return self.cancel_url()

    def after_action(self, rows: list[Any]) -> str:
        """Return the URL of the UTM's page, which shows its new token."""
        return self.url("show", rows[0], **self.back_argument())

    def cancel_url(self) -> str:
        """Return the URL of the first parent page that the user may open."""
        customers = CustomerView.of()
        return first_of(self._tab_url(), customers.url_if("show", g.parent_row), customers.url_if("list"))

    @action(
        N_("Reissue"),
        icon="refresh",
        title=N_("API token"),
        question=N_("A new token will be issued. The present one stops working at once. Are you sure?"),
        tone="danger",
        done=N_("A new token has been issued."),
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
