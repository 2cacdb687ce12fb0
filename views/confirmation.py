"""Confirmation of operations. With JavaScript, a form shows its question in a dialog; without, on a separate page.

A form with a question contains it in hidden fields (``macros/dialogs.html``), the first of which is named ``ask``; the last one
contains the window title of the form's page, so that the separate page names the customer too. Choosing OK submits the form again
without these fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext

from views.flashes import flash_warning
from views.redirects import referrer_path

MADE_IN = "made_in"
"""The hidden field with the tenant in which the form's page was made."""

_BACK, _RESTORED = "back_to_form", "restored"
_QUESTION = ("ask", "question", "question_title", "question_tone", "question_page")
OF_THE_PAGE = frozenset({*_QUESTION, "csrf_token", "form_key", MADE_IN, _BACK, _RESTORED})
"""Fields that are generated for each page, or belong to the question."""

TONES = frozenset({"primary", "danger"})


def validates_first(view: Callable[..., Any]) -> Any:
    """Mark a view that validates its form before asking for confirmation, and calls ``confirmation_page`` itself."""
    marked: Any = returns_to_form(view)
    marked.asks_itself = True
    return marked


def refuses_first(view: Callable[..., Any]) -> Any:
    """Mark a view that looks for a reason to refuse before it asks for confirmation, and calls ``confirmation_page`` itself."""
    marked: Any = view
    marked.asks_itself = True
    return marked


def returns_to_form(view: Callable[..., Any]) -> Any:
    """Mark a view that shows its form as it was sent, and saves nothing, when ``back_to_form()`` is true."""
    marked: Any = view
    marked.returns_to_form = True
    return marked


def returns_typed_form(view: Any) -> bool:
    """Return whether a view is marked with ``returns_to_form``."""
    return getattr(view, "returns_to_form", False)


def is_back_to_form() -> bool:
    """Return whether the form is only to be shown again: the question was cancelled, or the form was sent too late."""
    return _BACK in request.form


def back_to_form() -> bool:
    """Return what ``is_back_to_form`` returns; say on the form's page that it was restored, where it was."""
    if not is_back_to_form():
        return False
    if _RESTORED in request.form:
        flash_warning(
            gettext("What you typed has been restored. It has not been saved yet: check it and send it again.")
        )
    return True


def needs_confirmation(view: Any = None) -> bool:
    """Return whether the submitted form must be confirmed before it is processed.

    :param view: the view that handles the request; one marked with ``validates_first`` or ``refuses_first`` asks for itself.
    """
    return "ask" in request.form and not getattr(view, "asks_itself", False)


def confirmation_page(*, editable: bool = False, details: Any = None) -> str:
    """Return the confirmation page of the submitted form.

    :param editable: whether Cancel returns to the filled-in form (the view receives ``back_to_form``).
    :param details: what follows from confirming, as markup below the question; the dialog shows it too.
    """
    tone = request.form.get("question_tone", "")
    values = [pair for pair in request.form.items(multi=True) if pair[0] not in OF_THE_PAGE]
    return render_template(
        "screen/question.html",
        title=request.form.get("question_title", ""),
        text=request.form.get("question", ""),
        tone=tone if tone in TONES else "primary",
        asking_page=request.form.get("question_page", ""),
        values=values,
        editable=editable,
        details=details,
        back_url=referrer_path() or url_for("HomeView.index"),
    )


def response_before_saving(form: Any, page: Callable[[], str], details: Callable[[], Any] | None = None) -> Any:
    """Return the response to a form that cannot be saved yet: it has errors, must be confirmed, or was cancelled.

    :param page: returns the page of the form.
    :param details: returns the ``details`` of the confirmation page; it may raise DomainError.
    :returns: None if the form can be saved.
    """
    if back_to_form():
        return page()
    if not form.validate():
        return page(), 422
    if not needs_confirmation():
        return None
    return confirmation_page(editable=True, details=details() if details else None)
