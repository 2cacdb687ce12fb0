"""What can be done with a row besides changing and deleting it: declared on the method that does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from views.screen.table import Question


@dataclass(frozen=True)
class Action:
    """What can be done with a row.

    :param name: the method's, and so the permission's and the last part of the URL.
    :param run: the rule, called with the screen and one row. A text it returns is the URL to go on to.
    :param label: on the button; empty for an icon alone.
    :param icon: on the button.
    :param question: asked first; ``%(name)s`` stands for the row's name. None asks nothing.
    :param title: over the question.
    :param done: said afterwards.
    :param tone: ``danger`` for what takes something away.
    :param when: whether it can be offered for a row at all.
    :param already: said to the second of two people, who has a row before them that it is not offered for any more.
    :param single: offer it beside each row and on its page.
    :param on_page: offer it on the row's page; as ``single`` when not given.
    :param url: where it is, when that does not follow from its name; ``{row}`` stands for the row.
    :param multiple: offer it for many rows at once, which are then changed in one transaction.
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
        """Refuse what the list of many rows cannot show.

        :raises TypeError: something is done with many rows without a question.
        """
        if self.multiple and self.question is None:
            raise TypeError(f"{self.name}: what is done with many rows at once needs a question.")

    @property
    def is_on_page(self) -> bool:
        """Whether it is offered on the row's page."""
        return self.single if self.on_page is None else self.on_page

    def question_about(self, name: str) -> Question | None:
        """Return the question for a row, or for many.

        :param name: of the row, or how many they are.
        """
        if self.question is None:
            return None
        title = gettext(self.title or self.label, name=name)
        return Question(gettext(self.question, name=name), title, self.tone)


def action(label: Any, **options: Any) -> Callable[[Callable[[Any, Any], Any]], Any]:
    """Make a method of one row an action of its screen.

    The screen has a POST route for it, a permission ``can_<method>``, a button on each row that it can be done with and,
    with ``multiple``, a button for the rows that are ticked.

    :param label: on the button, marked for translation.
    :param options: of ``Action``.
    """

    def decorate(method: Callable[[Any, Any], Any]) -> Any:
        declared = Action(method.__name__, method, label, **options)

        @wraps(method)
        def handle(self: Any, pk: Any = None) -> Any:
            return self.run_action(declared, pk)

        handler: Any = expose(declared.url or "/<row>/<action>", methods=["POST"])(handle)
        if declared.multiple:
            handler = expose("/<action>", methods=["POST"])(handler)
        handler = has_access(handler)
        handler.action = declared
        return handler

    return decorate
