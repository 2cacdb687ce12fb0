"""The labels of rights, for administrators who assign them: ``Alerts can_download`` is shown as アラート: ダウンロード.

The names in the code are shown, too, where an administrator compares them with docs/roles.md or the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext
from markupsafe import Markup

_WITH_CODE = Markup('{} <span class="word d-block font-monospace small text-secondary">{}</span>')


def install(app: Flask, views: Mapping[str, str], permissions: Mapping[str, str]) -> None:
    """Register the labels of all areas with the app; each area declares only its own.

    :param views: the label of each view, marked for translation.
    :param permissions: the label of each permission, marked for translation.
    """
    app.extensions["permission_labels"] = {"views": views, "permissions": permissions}


def _words(kind: str, name: str) -> str:
    known: Mapping[str, str] = current_app.extensions["permission_labels"][kind]
    return gettext(known[name]) if name in known else name


def view_words(name: str) -> str:
    """Return the label of a view. An unknown name, from an earlier version of the portal, is returned unchanged."""
    return _words("views", name)


def permission_words(name: str) -> str:
    """Return the label of a permission. An unknown name, from an earlier version of the portal, is returned unchanged."""
    return _words("permissions", name)


def view_with_code(name: str) -> Markup:
    """Return the label of a view and its name in the code."""
    return _WITH_CODE.format(view_words(name), name)


def permission_with_code(name: str) -> Markup:
    """Return the label of a permission and its name in the code."""
    return _WITH_CODE.format(permission_words(name), name)


def right_with_code(right: Any) -> Markup:
    """Return the label of a right and its name in the code."""
    view, permission = right.view_menu.name, right.permission.name
    return _WITH_CODE.format(f"{view_words(view)}: {permission_words(permission)}", f"{view} {permission}")


def by_view(rights: Iterable[Any]) -> str:
    """Return rights as text, with one line for each view and its permissions."""
    views: dict[str, list[str]] = {}
    for right in rights:
        views.setdefault(right.view_menu.name, []).append(right.permission.name)
    return (
        "\n".join(
            f"{view_words(view)}: {', '.join(map(permission_words, sorted(names)))}"
            for view, names in sorted(views.items())
        )
        or "-"
    )
