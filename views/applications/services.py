"""サービス利用申請一覧 (§8.2.2) and 顧客申込み詳細 (§8.2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from flask import g, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from models import clock
from models.applications import addresses, duplicates, rules
from models.applications.application import (
    ApplicationAnswer,
    ApplicationState,
    ApplicationView,
    ServiceApplication,
)
from models.applications.duplicates import Duplicate
from models.db import db
from models.errors import N_
from models.scope import tenant_session
from models.values.company_name import SORTED_WITHOUT, search_key
from views.applications.decision_form import MEMOS, DecisionForm
from views.applications.listing import APPROVE, DENY, LABELS, ApplicationList, MenuItem, waiting
from views.applications.period import read_period
from views.applications.states import STATE, STATE_LABELS, StateFilter
from views.applications.tables import user_table, view_table
from views.base import url_if
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.conflict import Difference
from views.screen.filters import IdPart, Part, Search
from views.screen.formats import LinkedValue, linked_value
from views.screen.labels import Labels
from views.screen.table import Button, Table

HOLD = MenuItem("hold", N_("Put on hold"), N_("The application will be put on hold. Are you sure?"))
SAVE_AND_HOLD = MenuItem("hold", N_("Save and put on hold"), HOLD.question)
_VIEW_NOTED_EVERY = timedelta(minutes=1)
SAME_LABELS = {
    "name": lazy_gettext("Company name"),
    "phone": lazy_gettext("Phone number"),
    "email": lazy_gettext("Email address"),
    "address": lazy_gettext("Address"),
}


class ServiceApplicationView(ApplicationList):
    """The applications for the service that were confirmed."""

    datamodel = PortalInterface(ServiceApplication)
    labels = Labels(
        lazy_gettext("service application"),
        lazy_gettext("Service application list"),
        "clipboard-list",
        {
            "empty": N_("There is no application with this status in this period."),
            "empty_hint": N_("Give the invitation URL to companies that want to use the service."),
            "show_all": N_("Show all applications"),
            "conflict": N_("Somebody else changed this application. Check it, and decide again."),
        },
    )
    menu_items = (APPROVE, DENY, HOLD)
    decisions = "ServiceDecisionView"
    methods = frozenset({"list", "show"})
    show_template = "applications/service.html"
    route_base = "/service-applications"
    row_rule = "<string:application_id>"
    class_permission_name = "ServiceApplications"
    filters = (
        IdPart("id", most=12, placeholder="AAP-3KJXLH50"),
        Part("company", most=40, any_case=False, key=search_key, column="search_name"),
        StateFilter(
            "status",
            labels={
                state: STATE_LABELS[state]
                for state in (
                    ApplicationState.PENDING,
                    ApplicationState.HELD,
                    ApplicationState.DENIED,
                    ApplicationState.APPROVED,
                )
            },
        ),
    )
    show_fieldsets: ClassVar = [
        (
            lazy_gettext("Application information"),
            {"fields": ["id", "applied_at", "state"], "more": []},
        ),
        (
            lazy_gettext("Company information"),
            {
                "fields": [
                    *("company", "name", "department", "title", "email", "postcode", "prefecture", "address", "phone"),
                ]
            },
        ),
    ]
    label_columns: ClassVar = LABELS | {
        "name": lazy_gettext("Full name"),
        "last_name": lazy_gettext("Family name"),
        "first_name": lazy_gettext("Given name"),
        "department": lazy_gettext("Department"),
        "title": lazy_gettext("Job title"),
        "email": lazy_gettext("Email address"),
        "postcode": lazy_gettext("Postcode"),
        "prefecture": lazy_gettext("Prefecture"),
        "address": lazy_gettext("Address"),
        "phone": lazy_gettext("Phone number"),
        "memo1": lazy_gettext("Memo 1"),
        "memo2": lazy_gettext("Memo 2"),
        "memo3": lazy_gettext("Memo 3"),
        # Of the change history.
        "submitted_at": lazy_gettext("Form sent at"),
        "expires_at": lazy_gettext("Link valid until"),
    }
    formatters_columns: ClassVar = {
        "id": formats.CODE,
        "state": STATE,
        "email": formats.MAIL_LINK,
        "phone": formats.PHONE,
        "postcode": formats.POSTCODE,
        "memo1": formats.LINES,
        "memo2": formats.LINES,
        "memo3": formats.LINES,
        "reason": formats.LINES,
        "customer_id": linked_value(formats.CODE),
    }

    def window_details(self, row: ServiceApplication) -> Sequence[str]:
        """Return the company that applied."""
        return [row.company]

    def base_conditions(self) -> list[Any]:
        """Return what every row must meet: an application is listed once its mailed link was confirmed."""
        return [*super().base_conditions(), ServiceApplication.state != ApplicationState.UNCONFIRMED.value]

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query in the given order; names are sorted without their legal form, as in the list of customers."""
        if sort != "company":
            return super().ordered(query, sort, direction)
        columns = (func.regexp_replace(ServiceApplication.search_name, SORTED_WITHOUT, ""), ServiceApplication.id)
        return query.order_by(*(column.desc() if direction == "desc" else column.asc() for column in columns))

    def is_possible(self, item: MenuItem, row: ServiceApplication) -> bool:
        """Return whether the menu of the list offers something: 保留 not for what is on hold already."""
        return item.name != HOLD.name or row.state != ApplicationState.HELD

    def menu_links(self) -> list[Button]:
        """Return the link to the invitation URL."""
        url = url_if("can_invitation", self.class_permission_name, "InvitationView.invitation")
        return [Button(gettext("Show the invitation URL"), url, "link")] if url else []

    def list_links(self, search: Search, tables: Sequence[Table]) -> Sequence[Button]:
        """Return the button of the download, for which only the period counts."""
        period = read_period(request.args).arguments
        url = url_if("can_download", self.class_permission_name, "ServiceDownloadView.download", **period)
        return [Button(gettext("Download"), url, "download")] if url else []

    def address_key(self, delivery: Any) -> str:
        """Return the key of a delivery address in the URL of the contract application."""
        return addresses.service_key(delivery)

    @expose("/<row>")
    @has_access
    def show(self, pk: str) -> str:
        """Show one application, and note who looked at it."""
        row = self.row_or_404(pk)
        page = self.detail_page(row)
        self._note_view(row)
        return page

    def decision_form(self, row: ServiceApplication) -> tuple[DecisionForm, Sequence[Duplicate]]:
        """Return the form for deciding an application, with the values sent, and the possible duplicates."""
        found = duplicates.of(db.session(), row)
        form = DecisionForm(data={name: getattr(row, name) for name in MEMOS} | {"version": str(row.version)})
        form.offer(found)
        return form, found

    def detail_page(
        self,
        row: ServiceApplication,
        decision: tuple[DecisionForm, Sequence[Duplicate]] | None = None,
        conflict: Sequence[Difference] | None = None,
    ) -> str:
        """Return the page of an application.

        :param decision: of ``decision_form``, where the form is shown again.
        :param conflict: the memos that somebody else saved meanwhile.
        """
        menu_items = [item for item in (APPROVE, DENY, SAVE_AND_HOLD) if row.is_open and self.may_do(item.name)]
        form, found = (decision or self.decision_form(row)) if menu_items else (None, ())
        return self.application_page(
            row,
            form,
            menu_items,
            conflict,
            facts=self._facts(row, self._facts_shown(row)),
            memo1=self._facts(row, ["memo1"]),
            memos=self._facts(row, ["memo2", "memo3"]),
            company=self._facts(row, self.show_fieldsets[1][1]["fields"]),
            answers=[(each.field.title, each.value, "text") for each in _answers(row)],
            users=user_table(row.users),
            views=view_table(_views(row)),
            duplicates=found,
            same_labels=SAME_LABELS,
            customer_url=lambda key: url_if("can_show", "Customers", "CustomerView.show", customer_id=key),
        )

    def value(self, row: ServiceApplication, name: str) -> Any:
        """Return the value of a column for an application."""
        match name:
            case "waiting":
                return waiting(row)
            case "customer_id" if row.customer_id is not None:
                url = url_if("can_show", "Customers", "CustomerView.show", customer_id=row.customer_id)
                return LinkedValue(row.customer_id, url)
            case _:
                return super().value(row, name)

    @staticmethod
    def _facts_shown(row: ServiceApplication) -> list[str]:
        if row.is_open:
            return ["id", "applied_at", "state", "waiting"]
        of_state = ["customer_id"] if row.state == ApplicationState.APPROVED else ["reason"]
        return ["id", "applied_at", "state", "decided_at", "decided_by", *of_state]

    def _shown_columns(self) -> list[str]:
        return [*super()._shown_columns(), "waiting", "decided_at", "decided_by", "reason", "customer_id", *MEMOS]

    @staticmethod
    def _note_view(row: ServiceApplication) -> None:
        """Note that the user looked at an application, at most every minute.

        It has its own transaction because requests that only read do not commit.
        """
        now = clock.utc_now()
        if any(each.user_id == current_user.id and each.viewed_at > now - _VIEW_NOTED_EVERY for each in _views(row)):
            return
        with tenant_session(g.identity.tenant.id) as session:
            rules.record_view(session, row, user_id=current_user.id, user_name=current_user.email, now=now)
            session.commit()


def _answers(row: ServiceApplication) -> list[ApplicationAnswer]:
    """Return the answers to extra questions in the order of the form."""
    found = db.session.scalars(
        select(ApplicationAnswer)
        .where(ApplicationAnswer.application_id == row.id)
        .options(joinedload(ApplicationAnswer.field))
    )
    return sorted(found, key=lambda each: (each.field.retired_at is not None, each.field.position, each.field_id))


def _views(row: ServiceApplication) -> Sequence[ApplicationView]:
    return db.session.scalars(
        select(ApplicationView)
        .where(ApplicationView.application_id == row.id)
        .order_by(ApplicationView.viewed_at.desc(), ApplicationView.user_id)
    ).all()
