"""Rights in words, for whoever gives them: what the code calls ``Alerts can_download`` is アラート: ダウンロード.

The names in the code stand beside the words where an administrator compares them with docs/roles.md or the audit log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext
from markupsafe import Markup

_WITH_CODE = Markup('{} <span class="word d-block font-monospace small text-secondary">{}</span>')


def install(app: Flask, views: Mapping[str, str], permissions: Mapping[str, str]) -> None:
    """Make the words of all areas known; an area knows only its own.

    :param views: what the rights on each view are about, marked for translation.
    :param permissions: what each permission lets its holder do, marked for translation.
    """
    app.extensions["permission_labels"] = {"views": views, "permissions": permissions}


def _words(kind: str, name: str) -> str:
    known: Mapping[str, str] = current_app.extensions["permission_labels"][kind]
    return gettext(known[name]) if name in known else name


def view_words(name: str) -> str:
    """What a right is about; a name of an earlier version of the portal as it is."""
    return _words("views", name)


def permission_words(name: str) -> str:
    """What a right lets its holder do; a name of an earlier version of the portal as it is."""
    return _words("permissions", name)


def view_with_code(name: str) -> Markup:
    """What a right is about, and its name in the code."""
    return _WITH_CODE.format(view_words(name), name)


def permission_with_code(name: str) -> Markup:
    """What a right lets its holder do, and its name in the code."""
    return _WITH_CODE.format(permission_words(name), name)


def right_with_code(right: Any) -> Markup:
    """A right in words, and its name in the code."""
    view, permission = right.view_menu.name, right.permission.name
    return _WITH_CODE.format(f"{view_words(view)}: {permission_words(permission)}", f"{view} {permission}")


def by_view(rights: Iterable[Any]) -> str:
    """Rights as text: a line for each view with what may be done there."""
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
