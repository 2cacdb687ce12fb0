"""Reads a page as a browser does: its elements, the rows of its tables, and its forms with what they would send."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from werkzeug.datastructures import MultiDict

_VOID = {"br", "col", "hr", "img", "input", "link", "meta", "source", "use", "wbr"}
_CONTROLS = {"input", "select", "textarea"}


@dataclass(eq=False)
class Element:
    """An element of a page.

    :ivar page: the elements of its page, in their order.
    :ivar begin: the index of the first element below it.
    :ivar end: the index behind the last one; None while it is being read.
    """

    tag: str
    page: list[Element]
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)
    begin: int = 0
    end: int | None = None

    def all(self, tag: str = "", **attributes: str) -> list[Element]:
        """The elements below with a tag and attributes, in the order of the page; ``data_label`` means ``data-label``."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            each
            for each in self.below
            if tag in {"", each.tag} and all(each.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str = "", **attributes: str) -> Element:
        """The only such element."""
        (found,) = self.all(tag, **attributes)
        return found

    def classed(self, name: str) -> list[Element]:
        """The elements below of a CSS class."""
        return [each for each in self.below if name in each.attributes.get("class", "").split()]

    @property
    def below(self) -> list[Element]:
        """The elements below it."""
        return self.page[self.begin : self.end]

    def contains(self, other: Element) -> bool:
        """Return whether another element of the page is below it."""
        return self.begin <= other.begin - 1 < (len(self.page) if self.end is None else self.end)

    @property
    def raw_text(self) -> str:
        """Its text as it was written."""
        return "".join(each if isinstance(each, str) else each.raw_text for each in self.children)

    @property
    def text(self) -> str:
        """Its text as people read it."""
        return " ".join(self.raw_text.split())


@dataclass(frozen=True)
class Form:
    """A form of a page.

    :ivar button: that sends it, where that matters.
    """

    element: Element
    controls: list[Element]
    button: Element | None = None

    @property
    def action(self) -> str:
        """Where it leads, empty for its own page."""
        own = self.element.attributes.get("action", "")
        return self.button.attributes.get("formaction", own) if self.button is not None else own

    @property
    def posts(self) -> bool:
        """Whether it is sent by POST."""
        return self.element.attributes.get("method") == "post"

    @property
    def names(self) -> set[str]:
        """The names of its fields."""
        return {each.attributes["name"] for each in self.controls if "name" in each.attributes}

    @property
    def visible_names(self) -> list[str]:
        """The names of the fields that people fill in."""
        shown = [each for each in self.controls if each.attributes.get("type") != "hidden"]
        return list(dict.fromkeys(each.attributes["name"] for each in shown if "name" in each.attributes))

    def sent(self, changes: dict[str, object] | None = None, /, **more: object) -> MultiDict[str, str]:
        """What is sent when a person changes some fields.

        :param changes: texts, lists of texts for several boxes; None empties a field or unticks its boxes.
        """
        changed = (changes or {}) | more
        sent: MultiDict[str, str] = MultiDict()
        for control in self.controls:
            name = control.attributes.get("name")
            if name is not None and name not in changed:
                for value in _values(control):
                    sent.add(name, value)
        if self.button is not None and "name" in self.button.attributes:
            sent.add(self.button.attributes["name"], self.button.attributes.get("value", ""))
        for name, value in changed.items():
            given = [] if value is None else value if isinstance(value, list | tuple) else [value]
            sent.setlist(name, [str(each) for each in given])
        return sent


def answered(sent: MultiDict[str, str]) -> MultiDict[str, str]:
    """What is sent once the form's question was answered with OK."""
    rest = sent.copy()
    for name in ("ask", "question", "question_title", "question_tone", "question_page"):
        rest.poplist(name)
    return rest


def _values(control: Element) -> list[str]:
    attributes = control.attributes
    if control.tag == "textarea":
        return [control.raw_text.replace("\r\n", "\n").removeprefix("\n")]
    if control.tag == "select":
        options = control.all("option")
        chosen = [each for each in options if "selected" in each.attributes]
        shown = chosen or ([] if "multiple" in attributes else options[:1])
        return [each.attributes.get("value", each.text) for each in shown]
    if attributes.get("type") in {"checkbox", "radio"} and "checked" not in attributes:
        return []
    return [] if attributes.get("type") in {"submit", "button"} else [attributes.get("value", "")]


class Page(HTMLParser):
    """A page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", [])
        self._open = [self.root]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = self._add(tag, attrs)
        if tag not in _VOID:
            element.end = None
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._add(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag == tag:
                for each in self._open[depth:]:
                    each.end = len(self.root.page)
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def _add(self, tag: str, attrs: list[tuple[str, str | None]]) -> Element:
        page = self.root.page
        end = len(page) + 1
        element = Element(tag, page, {name: value or "" for name, value in attrs}, begin=end, end=end)
        page.append(element)
        self._open[-1].children.append(element)
        return element

    @property
    def title(self) -> str:
        """The title of the window."""
        return self.root.all("title")[0].text

    @property
    def main(self) -> Element:
        """The page without its frame."""
        return self.root.one("main")

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of its tables: what stands in each column, by the column's label."""
        return [
            {cell.attributes["data-label"]: cell.text for cell in row.all("td") if "data-label" in cell.attributes}
            for body in self.root.all("tbody")
            for row in body.all("tr")
        ]

    def column(self, label: str) -> list[str]:
        """What stands in a column, from top to bottom."""
        return [row[label] for row in self.rows if label in row]

    @property
    def forms(self) -> list[Form]:
        """Its forms, with the fields that belong to them from elsewhere on the page."""
        controls = [each for each in self.root.all() if each.tag in _CONTROLS]
        return [
            Form(
                form,
                [
                    each
                    for each in controls
                    if each.attributes.get("form", "") == form.attributes.get("id", "") != ""
                    or ("form" not in each.attributes and form.contains(each))
                ],
            )
            for form in self.root.all("form")
        ]

    @property
    def main_form(self) -> Form:
        """The form in which people type, of a page that has one."""
        (found,) = (each for each in self.forms if "data-validated" in each.element.attributes)
        return found

    @property
    def sendings(self) -> list[Form]:
        """Its forms, and each of them once more for each button that leads elsewhere than the form itself."""
        forms = self.forms
        named = {form.element.attributes["id"]: form for form in forms if "id" in form.element.attributes}
        buttons = [each for each in self.root.all("button") if "formaction" in each.attributes]
        elsewhere = []
        for each in buttons:
            around = [form for form in forms if form.element.contains(each)]
            form = named[each.attributes["form"]] if "form" in each.attributes else around[0]
            elsewhere.append(Form(form.element, form.controls, each))
        return [*forms, *elsewhere]

    def form_to(self, action: str) -> Form:
        """The form, and the button where there are several, that leads to a URL."""
        (found,) = (each for each in self.sendings if each.action == action)
        return found

    @property
    def links(self) -> list[str]:
        """The URLs its links lead to."""
        return [each.attributes["href"] for each in self.root.all("a") if "href" in each.attributes]

    def error_of(self, name: str) -> str:
        """What is said to be wrong with a field, empty for nothing."""
        return " ".join(each.text for each in self.root.all(id=f"{name}-error"))

    @property
    def differences(self) -> list[tuple[str, ...]]:
        """What somebody else saved meanwhile: the field, the stored value and one's own."""
        cards = self.root.all(aria_labelledby="conflict")
        return [tuple(cell.text for cell in row.all("td")) for card in cards for row in card.all("tr") if row.all("td")]
