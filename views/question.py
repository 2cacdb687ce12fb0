"""Questions before something is done. With JavaScript a form shows its question as a dialog; without, the server asks.

A form that asks carries its question in hidden fields (``macros/dialogs.html``), the first of them named ``ask``. The answer
OK sends the form again without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for

from views.redirects import came_from

_QUESTION = ("ask", "question", "question_title", "question_tone")
# What each page gives its forms anew.
_OF_THE_PAGE = frozenset({*_QUESTION, "csrf_token", "form_key", "made_in"})
TONES = frozenset({"primary", "danger"})


def validates_first(view: Callable[..., Any]) -> Any:
    """Mark a view that checks its form before the question is asked, and calls ``question_page`` itself."""
    marked: Any = view
    marked.validates_first = True
    return marked


def is_to_be_asked(view: Any = None) -> bool:
    """Return whether the request's form wants its question asked, and not yet its effect.

    :param view: that would answer; one that validates first asks by itself.
    """
    return "ask" in request.form and not getattr(view, "validates_first", False)


def question_page(*, editable: bool = False, details: Any = None) -> str:
    """Return the page that asks the question of the request's form.

    :param editable: whether Cancel goes back to the form with what was typed (the view gets ``back_to_form``).
    :param details: what follows from answering OK, as markup below the question; the dialog shows it too.
    """
    tone = request.form.get("question_tone", "")
    values = [pair for pair in request.form.items(multi=True) if pair[0] not in _OF_THE_PAGE]
    return render_template(
        "screen/question.html",
        title=request.form.get("question_title", ""),
        text=request.form.get("question", ""),
        tone=tone if tone in TONES else "primary",
        values=values,
        editable=editable,
        details=details,
        back_url=came_from() or url_for("HomeView.index"),
    )


def answer_before_writing(form: Any, page: Callable[[], str], details: Callable[[], Any] | None = None) -> Any:
    """Answer a form that is not to be written yet: it has errors, its question comes first, or the answer was Cancel.

    :param page: returns the form's page.
    :param details: returns what the question's page says besides its question. It may raise DomainError.
    :returns: None when the form is to be written.
    """
    if "back_to_form" in request.form:
        return page()
    if not form.validate():
        return page(), 422
    if not is_to_be_asked():
        return None
    return question_page(editable=True, details=details() if details else None)
