"""``Screen``: the list, the details and the forms of a table, from a declaration (docs/howto/add-a-screen.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from flask import abort, current_app, g, url_for
from flask_appbuilder import ModelView
from flask_babel import lazy_gettext
from sqlalchemy import BigInteger, inspect
from sqlalchemy.exc import NoInspectionAvailable

from models.db import db
from views.base import first_of
from views.routing import TransactionalRoutes
from views.screen.actions import Action
from views.screen.filters import DeclaredFilter
from views.screen.form import form_from_model
from views.screen.formats import Format, as_stored, default_format, word
from views.screen.labels import Labels
from views.screen.listing import ListPages
from views.screen.navigation import Above, Parent, Tab, crumbs_of
from views.screen.writing import WritePages

ROUTES = {
    "list": "/",
    "add": "/add",
    "show": "/{row}",
    "edit": "/{row}/edit",
    "delete": "/{row}/delete",
    "restore": "/{row}/restore",
    "action": "/{row}/{name}",
    "actions": "/{name}",
}
"""Where the pages of a screen are, below its ``route_base``."""

FAB_ROUTES = {
    "list": "/list/",
    "add": "/add",
    "show": "/show/{row}",
    "edit": "/edit/{row}",
    "delete": "/delete/{row}",
    "action": "/{name}/{row}",
    "actions": "/{name}",
}
"""Where they are on the screens that replace Flask-AppBuilder's own."""

_READ_AND_WRITE = frozenset({"list", "show", "add", "edit", "delete"})


class Screen(TransactionalRoutes, ListPages, WritePages, ModelView):
    """The pages of one table.

    The names from FAB mean what they mean there: ``datamodel``, ``route_base``, ``class_permission_name``,
    ``list_columns``, ``order_columns``, ``base_order``, ``base_filters``, ``label_columns``, ``formatters_columns`` (a
    ``Format`` or a function), ``show_fieldsets``, ``edit_columns`` (of the form made from the model), ``page_size``.

    :cvar methods: which of ``list``, ``show``, ``add``, ``edit``, ``delete`` and ``restore`` there are.
    :cvar rules: a module or object with ``create(session, values, by)``, ``change(session, row, values, version, by)``,
        ``delete(session, row, now, by)`` and ``restore(session, row, by)``, as far as ``methods`` needs them.
    :cvar labels: what the rows are called, and what is said differently from what follows from that.
    :cvar form: the form's class; made from ``edit_columns`` when there is none.
    :cvar choices_columns: of columns that hold one of some values, the label of each value; shown, and offered in the form.
    :cvar named_by: the attribute that tells a row from the others.
    :cvar link_column: the column of the list that leads to the details.
    :cvar filters: the search fields.
    :cvar unique_errors: of each unique index that somebody else may have been first at, the field and the message.
    :cvar trash: the column that says when a row was deleted, for rows that are restored.
    :cvar parent: the screen that these rows belong below.
    :cvar above: the pages that stand before the list in the breadcrumbs.
    :cvar tabs: the pages of the tabs above the list.
    :cvar routes: where the pages are.
    :cvar row_rule: the part of the URL that names a row, with its converter.
    :cvar csv: offer the rows of the list as a file.
    :cvar history: show who changed a row on its page.
    """

    list_columns: ClassVar[Sequence[str]] = ()
    order_columns: ClassVar[Sequence[str] | None] = None
    base_order: ClassVar[tuple[str, str] | None] = None
    label_columns: ClassVar[Mapping[str, Any]] = {}
    methods: ClassVar[frozenset[str]] = _READ_AND_WRITE
    rules: Any = None
    labels: ClassVar[Labels]
    form: ClassVar[Any] = None
    choices_columns: ClassVar[Mapping[str, Mapping[Any, Any]]] = {}
    named_by: ClassVar[str] = "name"
    link_column: ClassVar[str | None] = None
    filters: ClassVar[Sequence[DeclaredFilter]] = ()
    unique_errors: ClassVar[Mapping[str, tuple[str, str]]] = {}
    trash: ClassVar[str | None] = None
    parent: ClassVar[Parent | None] = None
    above: ClassVar[Sequence[Above]] = ()
    tabs: ClassVar[Sequence[Tab]] = ()
    routes: ClassVar[Mapping[str, str]] = ROUTES
    row_rule: ClassVar[str] = "<key:pk>"
    csv: ClassVar[bool] = True
    history: ClassVar[bool] = True
    tenantless: ClassVar[bool] = False

    # FAB would make three forms of every column.
    search_form = add_form = edit_form = object()
    actions_of_rows: tuple[Action, ...] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        exposed = {name for name in dir(cls) if hasattr(getattr(cls, name), "_urls")}
        own = {name for name in exposed if getattr(cls, name) is not getattr(Screen, name, None)}
        cls.include_route_methods = set(cls.methods) | own
        declared = (getattr(getattr(cls, name), "action", None) for name in cls.__dict__)
        cls.actions_of_rows = tuple(each for each in declared if isinstance(each, Action))

    def _init_properties(self) -> None:
        """Set up what FAB's constructor would work out from every column of the table."""
        self.model = self.datamodel.obj
        self._base_filters = self.datamodel.get_filters().add_filter_list(self.base_filters or [])
        columns = list(self.list_columns or [self.named_by])
        # The declaration, completed: FAB reads it here, and writes into the dictionary of labels.
        self.__dict__.update(
            label_columns=dict(self.label_columns),
            list_columns=columns,
            order_columns=columns if self.order_columns is None else self.order_columns,
            base_order=self.base_order or (self.named_by, "asc"),
            related_views=[],
            _related_views=[],
        )
        self.formats = {name: self._format_of(name) for name in self._shown_columns()}
        if self.form is None and self.edit_columns:
            form = form_from_model(self.model, self.edit_columns, self.label_columns, self.choices_columns)
            type(self).form = form

    def _init_forms(self) -> None:
        """Leave the forms alone: a screen names its own."""

    def _init_titles(self) -> None:
        """Leave the titles alone: they come from ``labels``."""

    def create_blueprint(self, appbuilder: Any, **kwargs: Any) -> Any:
        """Register the screen with the app, so that ``of`` finds it."""
        blueprint = super().create_blueprint(appbuilder, **kwargs)
        current_app.extensions.setdefault("screens", {})[type(self).__name__] = self
        return blueprint

    @classmethod
    def of(cls) -> Self:
        """Return the screen of the present app."""
        screen: Self = current_app.extensions["screens"][cls.__name__]
        return screen

    def _shown_columns(self) -> list[str]:
        declared = [name for _, part in self.show_fieldsets or () for name in (*part["fields"], *part.get("more", ()))]
        return list(dict.fromkeys([*self.list_columns, *declared]))

    def _format_of(self, name: str) -> Format:
        given = (self.formatters_columns or {}).get(name)
        if isinstance(given, Format):
            return given
        if given is not None:
            return Format(given, lambda value: str(given(value)))
        if name in self.choices_columns:
            return word(self.choices_columns[name])
        try:
            columns = inspect(self.model).columns
        except NoInspectionAvailable:
            return default_format(None)
        return default_format(columns[name].type if name in columns else None)

    def label_of(self, name: str) -> Any:
        """Return the label of a column: the list's, or its form's."""
        if name in self.label_columns:
            return self.label_columns[name]
        field = getattr(self.form, name, None)
        return field.args[0] if field is not None and field.args else name

    def key_of(self, row: Any) -> Any:
        """Return the key of a row. It is not read again for that: somebody may have deleted it."""
        (key,) = inspect(row).identity
        return key

    def recorded(self, name: str, value: Any) -> str:
        """Return a value of the audit log as people read it.

        :param name: of its column.
        :param value: as JSON has it.
        """
        columns = inspect(self.model).columns
        kind = columns[name].type if name in columns else None
        return self._format_of(name).text(as_stored(kind, value))

    def name_of(self, row: Any) -> str:
        """Return what tells a row from the others."""
        return str(getattr(row, self.named_by))

    # URLs and permissions

    @property
    def row_argument(self) -> str:
        """The argument of the URLs that names a row."""
        return self.row_rule.strip("<>").rpartition(":")[2]

    def rule_of(self, url: str, name: str) -> str:
        """Return the URL rule of a method, by the screen's own ``routes``."""
        if url == "/<action>":
            pattern = self.routes["actions"]
        elif url == "/<row>/<action>":
            pattern = self.routes["action"]
        else:
            pattern = self.routes.get(name, url.replace("<row>", "{row}"))
        return pattern.format(row=self.row_rule, name=name.replace("_", "-"))

    def allowed(self, name: str, methods: Any) -> Any:
        """Return the HTTP methods that a method answers: a form below the list has no page of its own."""
        return ("POST",) if name == "add" and self.add_on_list else methods

    def handler_of(self, name: str) -> Any:
        """Return what answers requests: it finds the parent of the rows, and names a row ``pk``."""
        method = super().handler_of(name)

        def handle(**arguments: Any) -> Any:
            if self.parent is not None:
                g.parent_row = self.parent.row(arguments.pop(self.parent.argument))
            if self.row_argument in arguments:
                arguments["pk"] = arguments.pop(self.row_argument)
            return method(**arguments)

        return handle

    def may(self, method: str) -> bool:
        """Return whether there is a method, and the person may use it."""
        return method in self.include_route_methods and self.appbuilder.sm.has_access(
            f"can_{method}", self.class_permission_name
        )

    def url(self, method: str, row: Any = None, **arguments: Any) -> str:
        """Return the URL of a page of this screen.

        :param row: whose page it is; None for a page of all rows.
        :param arguments: further page arguments.
        """
        if self.parent is not None:
            arguments[self.parent.argument] = self.parent.key_of(row if row is not None else None)
        if row is not None:
            arguments[self.row_argument] = self.key_of(row)
        return url_for(f"{self.endpoint}.{method}", **arguments)

    def url_if(self, method: str, row: Any = None, **arguments: Any) -> str | None:
        """Return the URL of a page, None when the person may not open it."""
        return self.url(method, row, **arguments) if self.may(method) else None

    def page_of(self, row: Any) -> str:
        """Return where to go on after a change: the row's page, the list as it was, or else the dashboard."""
        if self.may("show"):
            return self.url("show", row, **self.back_argument())
        return first_of(self.list_url() if self.may("list") else None)

    def crumbs(self, row: Any = None, leaf: Any = None) -> list[tuple[Any, str | None]]:
        """Return the breadcrumbs of a page.

        :param row: whose page it is.
        :param leaf: the title of a page below the row's or the list's.
        """
        return crumbs_of(self, row, leaf)

    def overview(self, row: Any) -> Sequence[Any]:
        """Return the figures above the details: label, value, url and warning of each."""
        return ()

    # Rows

    def base_conditions(self) -> list[Any]:
        """Return what every row of this screen must meet, besides ``base_filters``."""
        conditions = []
        if self.parent is not None:
            conditions.append(self.parent.condition(self.model))
        return conditions

    def query(self, *, deleted: bool = False) -> Any:
        """Return the query of this screen's rows with all that is shown of them.

        :param deleted: the deleted rows instead of the others.
        """
        query = self._base_filters.apply_all(db.session.query(self.model)).filter(*self.base_conditions())
        if self.trash:
            column = getattr(self.model, self.trash)
            query = query.filter(column.is_not(None) if deleted else column.is_(None))
        return query

    def largest_key(self) -> int:
        """Return the largest number that the table's key can be."""
        (key,) = inspect(self.model).primary_key
        return 2**63 - 1 if isinstance(key.type, BigInteger) else 2**31 - 1

    def row_or_404(self, pk: Any, *, deleted: bool = False) -> Any:
        """Return a row of this screen; 404 for one of anybody else's, or of none."""
        (key,) = inspect(self.model).primary_key
        if isinstance(pk, int) and pk > self.largest_key():
            abort(404)
        row = self.query(deleted=deleted).options(*self.datamodel.options).filter(key == pk).one_or_none()
        if row is None:
            abort(404)
        return row


REMOVED = lazy_gettext("Removed")
"""The choice of the list of deleted rows."""
