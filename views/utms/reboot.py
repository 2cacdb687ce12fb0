"""UTM再起動 and 状態確認 (§7.12.1): for one UTM, and for several that were ticked in a list.

Each is a page; with JavaScript, the part of it with the ID in ``views.utms.reboot_facts`` is shown as a dialog.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import abort, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import clock
from models.db import db
from models.errors import DomainError
from models.utms import reboot_rules
from models.utms.reboot import RebootState, open_of
from models.utms.reboot_rules import LastResult
from models.utms.utm import Utm
from views.arguments import key_or_none
from views.base import PortalView, first_of, render, url_if
from views.confirmation import response_before_saving, validates_first
from views.customers.customers import CustomerView
from views.forms.errors import add_error
from views.redirects import local_path, referrer_path
from views.screen.already_done import row_to_write
from views.screen.navigation import list_arguments
from views.utms.reboot_facts import REBOOT_PART, STATUS_PART, plan_text, reboot_url, result_of
from views.utms.reboot_form import RebootForm
from views.utms.utms import UtmView

MOST_UTMS = 100
"""The maximum number of UTMs that can be rebooted together: those of the longest page of a list."""


class _Menu(NamedTuple):
    """The menu for one or several UTMs.

    :ivar url: where its form is sent to.
    :ivar back_url: where it leads to.
    :ivar hidden: further fields of the form.
    """

    utms: Sequence[Utm]
    single: bool
    url: str
    back_url: str
    crumbs: Sequence[tuple[Any, str | None]]
    hidden: Sequence[tuple[str, Any]] = ()

    def response(self) -> Any:
        """Return the page of the menu, the confirmation, or the redirect after what was chosen is done."""
        form = self._form()
        if "plan" not in request.form:
            return self._page(form)
        try:
            answer = response_before_saving(form, lambda: self._page(form), form.consequences)
            if answer is not None:
                return answer
            outcome = form.act()
        except DomainError as error:
            db.session.rollback()
            # With the UTMs and plans as they are now.
            form = self._form()
            form.plan.data = str(form.plans[0].id) if self.single and form.plans else ""
            add_error(form, error)
            return self._page(form), 422
        form.flash_outcome(outcome)
        return redirect(self.back_url)

    @staticmethod
    def plan_text(form: RebootForm) -> str:
        """Return the time of the planned reboot of one UTM."""
        return plan_text(form.plans[0])

    def _form(self) -> RebootForm:
        reboots = open_of(db.session(), [utm.id for utm in self.utms])
        plans = [each for (_, state), each in reboots.items() if state == RebootState.SCHEDULED]
        return RebootForm.of(self.utms, plans, single=self.single)

    def _page(self, form: RebootForm) -> str:
        return render(
            "utms/reboot.html", menu=self, form=form, part=REBOOT_PART, crumbs=self.crumbs, title=gettext("UTM reboot")
        )


class UtmRebootView(PortalView):
    """The reboot of one UTM, and its result."""

    route_base = "/customers/<string:customer_id>/utms/<key:utm_key>"
    class_permission_name = "Reboots"

    @validates_first
    @expose("/reboot", methods=["GET", "POST"])
    @has_access
    def reboot(self, customer_id: str, utm_key: int) -> Any:
        """Reboot a UTM now or at a given time, or cancel its planned reboot."""
        utm = _utm(customer_id, utm_key)
        screen = UtmView.of()
        menu = _Menu(
            [utm],
            single=True,
            url=reboot_url(utm, **screen.back_argument()),
            back_url=screen.cancel_url(),
            crumbs=screen.crumbs(utm, gettext("UTM reboot")),
        )
        return menu.response()

    @expose("/reboot-status")
    @has_access
    def status(self, customer_id: str, utm_key: int) -> str:
        """Say what became of the last reboot of a UTM (状態確認)."""
        utm = _utm(customer_id, utm_key)
        result, reboot = reboot_rules.last_result(db.session(), utm.id, now=clock.utc_now())
        screen = UtmView.of()
        return render(
            "utms/reboot_status.html",
            utm=utm,
            answer=_answer(result, reboot),
            more=result_of(reboot) if reboot is not None and result != LastResult.RUNNING else "",
            part=STATUS_PART,
            title=gettext("Reboot status"),
            crumbs=screen.crumbs(utm, gettext("Reboot status")),
            back_url=screen.cancel_url() if list_arguments() else screen.page_of(utm),
        )


class ManyRebootsView(PortalView):
    """The reboot of several UTMs of the tenant, at once or one after the other."""

    route_base = "/utms"
    class_permission_name = "Reboots"

    @validates_first
    @expose("/reboot", methods=["POST"])
    @has_access
    def reboot_many(self) -> Any:
        """Reboot the UTMs that were ticked in a list, or plan or cancel that. The first request has only the ticks."""
        utms = _ticked()
        list_url = url_if("can_list", "Utms", "UtmListView.list")
        back_url = local_path(request.form.get("list")) or referrer_path() or first_of(list_url)
        menu = _Menu(
            utms,
            single=False,
            url=url_for("ManyRebootsView.reboot_many"),
            back_url=back_url,
            crumbs=[
                (gettext("Dashboard"), url_for("HomeView.index")),
                (gettext("UTM list"), list_url),
                (gettext("UTM reboot"), None),
            ],
            hidden=[*(("rowid", utm.id) for utm in utms), ("list", back_url)],
        )
        return menu.response()


def _utm(customer_id: str, utm_key: int) -> Utm:
    g.parent_row = CustomerView.of().row_or_404(customer_id)
    found: Utm = row_to_write(UtmView.of(), utm_key) if request.method == "POST" else UtmView.of().row_or_404(utm_key)
    return found


def _ticked() -> list[Utm]:
    """Return the ticked UTMs by UTM ID, removed ones too; abort with 404 if one of them is unknown."""
    keys = {key_or_none(each) for each in request.form.getlist("rowid")}
    if not keys or len(keys) > MOST_UTMS:
        abort(400)
    if None in keys:
        abort(404)
    found = db.session.scalars(
        select(Utm).where(Utm.id.in_(keys)).options(joinedload(Utm.customer)).order_by(Utm.utm_id)
    )
    utms = list(found)
    if len(utms) != len(keys):
        abort(404)
    return utms


def _answer(result: LastResult, reboot: Any) -> str:
    match result:
        case LastResult.SUCCEEDED:
            return gettext("The reboot request succeeded at %(time)s.", time=clock.screen_time(reboot.ended_at))
        case LastResult.FAILED:
            at = clock.screen_time(reboot.requested_at or reboot.due_at)
            return gettext("The reboot request of %(time)s failed.", time=at)
        case LastResult.RUNNING:
            return gettext(reboot_rules.REQUESTED_ALREADY)
        case _:
            return gettext("No reboot was requested in the last 60 days.")
