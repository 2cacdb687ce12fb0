"""``Screen``: the declarative base class for the list, details and forms of a table (docs/howto/add-a-screen.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import wraps
from typing import Any, ClassVar, Self

from flask import abort, current_app, g, url_for
from flask_appbuilder import ModelView
from flask_babel import lazy_gettext
from sqlalchemy import BigInteger, inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.orm import Session

from models.db import db
from views.base import first_of
from views.routing import TransactionalRoutes
from views.screen.actions import Action
from views.screen.details import DetailPages
from views.screen.filters import DeclaredFilter
from views.screen.form import form_from_model
from views.screen.formats import Format, as_stored, default_format, word
from views.screen.labels import Labels
from views.screen.listing import ListPages
from views.screen.navigation import Above, Parent, Tab, crumbs_of, tabs_of
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
"""The URL rules of a screen's pages, relative to its ``route_base``."""

FAB_ROUTES = {
    "list": "/list/",
    "add": "/add",
    "show": "/show/{row}",
    "edit": "/edit/{row}",
    "delete": "/delete/{row}",
    "action": "/{name}/{row}",
    "actions": "/{name}",
}
"""The URL rules of the screens that replace Flask-AppBuilder's own."""

_READ_AND_WRITE = frozenset({"list", "show", "add", "edit", "delete"})


class Screen(TransactionalRoutes, ListPages, DetailPages, WritePages, ModelView):
    """The pages of one table.

    These attributes have the same meaning as in FAB: ``datamodel``, ``route_base``, ``class_permission_name``,
    ``list_columns``, ``order_columns``, ``base_order``, ``base_filters``, ``label_columns``, ``formatters_columns`` (a
    ``Format`` or a function), ``show_fieldsets``, ``edit_columns`` (of the form made from the model), ``page_size``.

    :cvar methods: the available methods out of ``list``, ``show``, ``add``, ``edit``, ``delete`` and ``restore``.
    :cvar rules: a module or object with ``create(session, values, by)``, ``change(session, row, values, version, by)``,
        ``delete(session, row, now, by)`` and ``restore(session, row, by)``, as far as ``methods`` needs them.
    :cvar labels: the name of the rows, and the texts that differ from the defaults.
    :cvar form: the form class; by default it is made from ``edit_columns``.
    :cvar choices_columns: for columns with a fixed set of values, the label of each value, for display and for the form.
    :cvar named_by: the attribute that contains the name of a row.
    :cvar link_column: the column of the list that links to the details; by default the first one.
    :cvar filters: the search fields.
    :cvar unique_errors: the field and the error message for the violation of each unique index.
    :cvar trash: the column with the time of deletion, if deleted rows are kept.
    :cvar parent: the parent screen, whose rows these rows belong to.
    :cvar above: the pages that precede the list in the breadcrumbs.
    :cvar tabs: the tabs above the list.
    :cvar routes: the URL rules of the pages.
    :cvar row_rule: the part of the URL rule that identifies a row, with its converter.
    :cvar csv: whether to offer the list as a CSV file.
    :cvar history: whether to show the change history of a row on its page, or below the form if it has no page.
    :cvar history_without: what the names of the actions begin with that the history leaves out.
    :cvar history_omits: the columns that the history leaves out besides the key, the tenant and the parent of a row.
    :cvar tenantless: whether the rows belong to no tenant, or the list has those of all tenants.
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
    history_without: ClassVar[Sequence[str]] = ()
    history_omits: ClassVar[Sequence[str]] = ()
    tenantless: ClassVar[bool] = False

    # Without these, FAB would generate three forms with all columns.
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
        """Set the attributes that FAB's constructor would otherwise derive from all columns of the table."""
        self.model = self.datamodel.obj
        self._base_filters = self.datamodel.get_filters().add_filter_list(self.base_filters or [])
        columns = list(self.list_columns or [self.named_by])
        # Complete the declaration for FAB, which also modifies the dictionary of labels.
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
        """Do nothing: a screen declares its form."""

    def _init_titles(self) -> None:
        """Do nothing: the titles come from ``labels``."""

    def create_blueprint(self, appbuilder: Any, **kwargs: Any) -> Any:
        """Create the blueprint and register the screen with the app for ``of``."""
        blueprint = super().create_blueprint(appbuilder, **kwargs)
        current_app.extensions.setdefault("screens", {})[type(self).__name__] = self
        return blueprint

    @classmethod
    def of(cls) -> Self:
        """Return the current app's instance of this screen."""
        screen: Self = current_app.extensions["screens"][cls.__name__]
        return screen

    def _shown_columns(self) -> list[str]:
        declared = [name for _, part in self.show_fieldsets or () for name in (*part["fields"], *part.get("more", ()))]
        return list(dict.fromkeys([*self.list_columns, *self.file_columns, *declared]))

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
        """Return the label of a column, from ``label_columns`` or else from the form."""
        if name in self.label_columns:
            return self.label_columns[name]
        field = getattr(self.form, name, None)
        if field is None:
            return name
        return field.args[0] if field.args else getattr(field.field_class, "default_label", name)

    def label_alone(self, name: str) -> Any:
        """Return the label of a column where it stands without those of its part, as in the change history."""
        return self.label_of(name)

    def key_of(self, row: Any) -> Any:
        """Return the key of a row without reloading the row, which may have been deleted."""
        (key,) = inspect(row).identity
        return key

    def recorded(self, name: str, value: Any) -> str:
        """Return a value of the audit log as displayed to the user.

        :param name: the name of its column.
        :param value: the JSON value.
        """
        columns = inspect(self.model).columns
        kind = columns[name].type if name in columns else None
        return self._format_of(name).text(as_stored(kind, value))

    def name_of(self, row: Any) -> str:
        """Return the name of a row."""
        return str(getattr(row, self.named_by))

    def window_details(self, row: Any) -> Sequence[str]:
        """Return what the window title says besides the name of a row, if other rows can have the same name."""
        return ()

    # URLs and permissions

    @property
    def row_argument(self) -> str:
        """The URL argument that contains the row's key."""
        return self.row_rule.strip("<>").rpartition(":")[2]

    def rule_of(self, url: str, name: str) -> str:
        """Return the URL rule of a method according to ``routes``."""
        if url == "/<action>":
            pattern = self.routes["actions"]
        elif url == "/<row>/<action>":
            pattern = self.routes["action"]
        else:
            pattern = self.routes.get(name, url.replace("<row>", "{row}"))
        return pattern.format(row=self.row_rule, name=name.replace("_", "-"))

    def allowed(self, name: str, methods: Any) -> Any:
        """Return the HTTP methods that a method accepts; a form below the list has no page to GET."""
        return ("POST",) if name == "add" and self.add_on_list else methods

    def handler_of(self, name: str) -> Any:
        """Return a handler that loads the parent row and passes the key of the row as ``pk``."""
        method = super().handler_of(name)

        @wraps(method)
        def handle(**arguments: Any) -> Any:
            if self.parent is not None:
                g.parent_row = self.parent.row(arguments.pop(self.parent.argument))
            if self.row_argument in arguments:
                arguments["pk"] = arguments.pop(self.row_argument)
            return method(**arguments)

        return handle

    def may(self, method: str) -> bool:
        """Return whether the screen has a method and the user may use it."""
        return method in self.include_route_methods and self.appbuilder.sm.has_access(
            f"can_{method}", self.class_permission_name
        )

    def url(self, method: str, row: Any = None, **arguments: Any) -> str:
        """Return the URL of a page of this screen.

        :param row: the row that the page is about; None for a page that is not about one row.
        :param arguments: further arguments of the URL.
        """
        if self.parent is not None:
            arguments[self.parent.argument] = self.parent.key_of(row if row is not None else None)
        if row is not None:
            arguments[self.row_argument] = self.key_of(row)
        return url_for(f"{self.endpoint}.{method}", **arguments)

    def url_if(self, method: str, row: Any = None, **arguments: Any) -> str | None:
        """Return the URL of a page, None if the user may not open it."""
        return self.url(method, row, **arguments) if self.may(method) else None

    def page_of(self, row: Any) -> str:
        """Return the URL to redirect to after a change: the row's page, the list in its last state, or the dashboard."""
        if self.may("show"):
            return self.url("show", row, **self.back_argument())
        return first_of(self.list_url() if self.may("list") else None)

    def crumbs(self, row: Any = None, leaf: Any = None) -> list[tuple[Any, str | None]]:
        """Return the breadcrumbs of a page.

        :param row: the row that the page is about.
        :param leaf: the title of a page below that of the row or the list.
        """
        return crumbs_of(self, row, leaf)

    def tabs_of_list(self) -> list[dict[str, Any]]:
        """Return the tabs above the list that the person may open."""
        return tabs_of(self)

    def overview(self, row: Any) -> Sequence[Any]:
        """Return the figures above the details: label, value, url and warning of each."""
        return ()

    # Rows

    def base_conditions(self) -> list[Any]:
        """Return the SQL conditions for the rows of this screen, in addition to ``base_filters``."""
        conditions = []
        if self.parent is not None:
            conditions.append(self.parent.condition(self.model))
        return conditions

    def rows_session(self) -> Session:
        """Return the session that reads the rows: that of the request, unless the screen is about all tenants."""
        return db.session()

    def query(self, *, deleted: bool = False) -> Any:
        """Return the query of this screen's rows.

        :param deleted: whether to select the deleted rows instead of the others.
        """
        query = self._base_filters.apply_all(self.rows_session().query(self.model)).filter(*self.base_conditions())
        if self.trash:
            column = getattr(self.model, self.trash)
            query = query.filter(column.is_not(None) if deleted else column.is_(None))
        return query

    def largest_key(self) -> int:
        """Return the largest integer that the column of the primary key can hold."""
        (key,) = inspect(self.model).primary_key
        return 2**63 - 1 if isinstance(key.type, BigInteger) else 2**31 - 1

    def row_or_404(self, pk: Any, *, deleted: bool = False) -> Any:
        """Return a row of this screen; abort with 404 if there is no such row within its query."""
        (key,) = inspect(self.model).primary_key
        if isinstance(pk, int) and pk > self.largest_key():
            abort(404)
        row = self.query(deleted=deleted).options(*self.datamodel.options).filter(key == pk).one_or_none()
        if row is None:
            abort(404)
        return row


REMOVED = lazy_gettext("Removed")
"""The label of the option that lists the deleted rows."""
