"""Actions on rows, besides editing and deleting, declared by decorating the method that performs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from views.confirmation import refuses_first
from views.screen.table import Question


@dataclass(frozen=True)
class Action:
    """An action on a row.

    :param name: the name of the method, from which the permission and the last part of the URL are derived.
    :param run: called with the screen and one row. If it returns a string, that is the URL to redirect to.
    :param label: the label of the button; empty for a button with only an icon.
    :param icon: the icon of the button.
    :param question: the confirmation question, with ``%(name)s`` as placeholder for the row's name; None for no question.
    :param title: the title of the question.
    :param done: the success message.
    :param tone: ``danger`` for a destructive action.
    :param when: returns whether the action is offered for a row.
    :param already: the message for the second of two people, whose page still offers an action that was just done.
    :param single: whether to offer it next to each row of the list and on the row's page.
    :param on_page: whether to offer it on the row's page; defaults to ``single``.
    :param url: the URL rule, if it cannot be derived from the name; ``{row}`` is the placeholder for the row.
    :param multiple: whether to offer it for several rows at once, which are then changed in one transaction.
    """

    name: str
    run: Callable[[Any, Any], Any]
    label: Any
    icon: str = ""
    question: Any = None
    title: Any = None
    done: Any = None
    already: Any = None
    tone: str = "primary"
    accessible_name: Any = None
    when: Callable[[Any], bool] = lambda _row: True
    single: bool = True
    on_page: bool | None = None
    multiple: bool = False
    url: str | None = None

    def __post_init__(self) -> None:
        """Check the declaration.

        :raises TypeError: the action is offered for several rows, but has no question.
        """
        if self.multiple and self.question is None:
            raise TypeError(f"{self.name}: what is done with many rows at once needs a question.")

    @property
    def is_on_page(self) -> bool:
        """Whether the action is offered on the row's page."""
        return self.single if self.on_page is None else self.on_page

    def question_about(self, name: str) -> Question | None:
        """Return the confirmation question for one or several rows, None if the action has no question.

        :param name: the name of the row, or a text for several rows.
        """
        if self.question is None:
            return None
        title = gettext(self.title or self.label, name=name)
        return Question(gettext(self.question, name=name), title, self.tone)


def action(label: Any, **options: Any) -> Callable[[Callable[[Any, Any], Any]], Any]:
    """Declare a method that takes one row as an action of its screen.

    The screen gets a POST route, a permission ``can_<method>``, a button on each row that the action is available for and,
    with ``multiple``, a button for the selected rows.

    :param label: the label of the button, marked for translation.
    :param options: further arguments of ``Action``.
    """

    def decorate(method: Callable[[Any, Any], Any]) -> Any:
        declared = Action(method.__name__, method, label, **options)

        @wraps(method)
        def handle(self: Any, pk: Any = None) -> Any:
            return self.run_action(declared, pk)

        handler: Any = expose(declared.url or "/<row>/<action>", methods=["POST"])(handle)
        if declared.multiple:
            handler = expose("/<action>", methods=["POST"])(handler)
        handler = refuses_first(has_access(handler))
        handler.action = declared
        return handler

    return decorate
