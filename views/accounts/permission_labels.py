"""The labels of rights, for administrators who assign them: ``Alerts can_download`` is shown as アラート: ダウンロード.

The names in the code are shown, too, where an administrator compares them with docs/roles.md or the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext
from markupsafe import Markup

from views.register import Rights

_WITH_CODE = Markup('{} <span class="word d-block font-monospace small text-secondary">{}</span>')


def install(app: Flask, views: Mapping[str, Rights], permissions: Mapping[str, str]) -> None:
    """Register the labels of all areas with the app; each area declares only its own.

    :param views: the rights of each view, with their labels.
    :param permissions: the label of each permission on any view, marked for translation.
    """
    app.extensions["permission_labels"] = {"views": views, "permissions": permissions}


def _label(known: Mapping[str, str], name: str) -> str:
    return gettext(known[name]) if name in known else name


def view_label(name: str) -> str:
    """Return the label of a view. An unknown name, from an earlier version of the portal, is returned unchanged."""
    found = _rights().get(name)
    return gettext(found.label) if found is not None else name


def _rights() -> Mapping[str, Rights]:
    rights: Mapping[str, Rights] = current_app.extensions["permission_labels"]["views"]
    return rights


def permission_label(name: str, view: str = "") -> str:
    """Return the label of a permission. An unknown name, from an earlier version of the portal, is returned unchanged.

    :param view: what it is a permission on; the same permission can mean different things on different views.
    """
    own = _rights()[view].labels if view in _rights() else {}
    return _label({**current_app.extensions["permission_labels"]["permissions"], **own}, name)


def view_with_code(name: str) -> Markup:
    """Return the label of a view and its name in the code."""
    return _WITH_CODE.format(view_label(name), name)


def permission_with_code(name: str) -> Markup:
    """Return the label of a permission and its name in the code."""
    return _WITH_CODE.format(permission_label(name), name)


def right_with_code(right: Any) -> Markup:
    """Return the label of a right and its name in the code."""
    view, permission = right.view_menu.name, right.permission.name
    return _WITH_CODE.format(f"{view_label(view)}: {permission_label(permission, view)}", f"{view} {permission}")


def by_view(rights: Iterable[Any]) -> str:
    """Return rights as text, with one line for each view and its permissions."""
    return recorded_by_view(f"{right.view_menu.name} {right.permission.name}" for right in rights)


def recorded_by_view(names: Iterable[str]) -> str:
    """Return rights like :func:`by_view`.

    :param names: as the audit log has them: ``Alerts can_download``.
    """
    views: dict[str, list[str]] = {}
    for view, _, permission in (name.partition(" ") for name in sorted(names)):
        views.setdefault(view, []).append(permission_label(permission, view))
    return "\n".join(f"{view_label(view)}: {', '.join(labels)}" for view, labels in views.items()) or "-"
