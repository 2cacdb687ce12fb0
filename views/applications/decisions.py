"""Approving, denying and holding applications, from the list (the chosen row) and from their pages (§8.2.2, §8.3.2)."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qsl

from flask import current_app, get_template_attribute, redirect, request
from flask_babel import gettext

from models import clock
from models.applications.rules import DECIDED
from models.db import db
from models.errors import Conflict, DomainError
from views.base import PortalView
from views.confirmation import response_before_saving
from views.flashes import flash_error, flash_success, flash_warning
from views.forms.errors import add_error
from views.forms.fields import version_shown
from views.screen.navigation import with_arguments


class Target(NamedTuple):
    """The application that a request is about.

    :ivar version: its version when the operator's page was made.
    :ivar on_page: whether the request comes from its page, with all fields; else from the list.
    """

    row: Any
    version: int
    on_page: bool


class DecisionPages(PortalView):
    """The base class of the views that decide applications.

    :cvar done: the message after each decision, with the application's number as placeholder.
    """

    done: ClassVar[dict[str, str]] = {}

    def screen(self) -> Any:
        """Return the list that the applications are in."""
        raise NotImplementedError

    def run(self, name: str, target: Target, form: Any) -> None:
        """Carry out a decision.

        :raises Conflict: the application was changed in the meantime.
        :raises DomainError: a rule refuses it.
        """
        raise NotImplementedError

    def conflict(self, row: Any, form: Any) -> list[Any]:
        """Return the differences between what is stored and what was typed."""
        return []

    def refused(self, name: str, target: Target) -> str | None:
        """Return why something is not offered for an open application, None if it is."""
        return None

    def decide(self, name: str, pk: str | None) -> Any:
        """Ask for confirmation, then decide the application of the URL or the chosen one.

        :param name: the name of the decision.
        """
        screen = self.screen()
        target = self._target(pk)
        if target is None:
            flash_warning(gettext("Choose an application first."))
            return redirect(screen.list_url())
        if not target.row.is_open:
            flash_error(gettext(DECIDED))
            return redirect(screen.page_of(target.row))
        if refusal := self.refused(name, target):
            flash_warning(refusal)
            return redirect(screen.list_url())
        decision = screen.decision_form(target.row)
        form = decision[0]
        page = (lambda: screen.detail_page(target.row, decision)) if target.on_page else _back_to(screen)
        answer = response_before_saving(form, page, lambda: self._summary(name, target, decision))
        if answer is not None:
            return answer
        return self._carry_out(name, target, decision)

    def _carry_out(self, name: str, target: Target, decision: Any) -> Any:
        screen, key = self.screen(), target.row.id
        try:
            self.run(name, target, decision[0])
            db.session.flush()
        except Conflict:
            db.session.rollback()
            row = screen.row_or_404(key)
            if not target.on_page:
                flash_warning(screen.labels.message("conflict"))
                return redirect(screen.page_of(row))
            form = decision[0]
            form.version.data = str(row.version)
            return screen.detail_page(row, decision, conflict=self.conflict(row, form)), 409
        except DomainError as error:
            db.session.rollback()
            row = screen.row_or_404(key)
            if not target.on_page or not row.is_open:
                flash_error(error)
                return redirect(screen.page_of(row))
            add_error(decision[0], error)
            return screen.detail_page(row, decision), 422
        flash_success(gettext(self.done[name], number=key))
        url = screen.list_url()
        return redirect(_with_approved(url, key) if name == "approve" else url)

    def _target(self, pk: str | None) -> Target | None:
        screen = self.screen()
        if pk is not None:
            return Target(screen.row_or_404(pk), version_shown(request.form.get("version")), on_page=True)
        key, _, version = request.form.get("chosen", "").partition(":")
        return Target(screen.row_or_404(key), version_shown(version), on_page=False) if key else None

    @staticmethod
    def _summary(name: str, target: Target, decision: Any) -> Any:
        """Return the content of an application and its possible duplicates, for the confirmation of an approval (§8.2.2)."""
        if name != "approve":
            return None
        form, found = decision
        linked = form.customer_id.data if "customer_id" in form else ""
        customer = next((each.customer for each in found if each.customer.id == linked), None)
        summary = get_template_attribute("applications/_summary.html", "approval")
        return summary(target.row, customer, [] if customer else found)


def portal_url() -> str:
    """Return the URL of this portal for mails."""
    return str(current_app.config["PORTAL_URL"])


def now() -> Any:
    """Return the time of a decision."""
    return clock.utc_now()


def _back_to(screen: Any) -> Any:
    return lambda: redirect(screen.list_url())


def _with_approved(url: str, key: str) -> str:
    """Return the URL of a list on which the next steps of an application are shown."""
    path, _, query = url.partition("?")
    return with_arguments(path, dict(parse_qsl(query)) | {"approved": key})
