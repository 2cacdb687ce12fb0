"""The answer to the second of two people, who want to write a row that the first has deleted or brought back meanwhile."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import abort, redirect
from sqlalchemy import inspect
from werkzeug.exceptions import NotFound

from models import audit, scope
from models.db import db
from models.errors import N_
from views.flashes import flash_warning

DONE_ALREADY = N_("This has already been done, or is not possible any more.")
"""Said of an action that a row is not offered any more, and that has no sentence of its own."""


def row_to_write(screen: Any, pk: Any, *, deleted: bool = False) -> Any:
    """Return a row that a form is about. Of one that somebody else was first to delete or restore, the list says so.

    :param deleted: whether the form is about a deleted row.
    :raises NotFound: there has never been such a row, or it is somebody else's.
    """
    try:
        return screen.row_or_404(pk, deleted=deleted)
    except NotFound:
        if deleted and _is_there(screen, pk, deleted=False):
            redirect_gone(screen, "already_restored")
        if _was_deleted(screen, pk):
            redirect_gone(screen)
        raise


def redirect_gone(screen: Any, sentence: str = "already_deleted") -> NoReturn:
    """Answer that somebody else was first, with the list; nothing is written.

    :param sentence: its key in ``Labels``.
    """
    db.session.rollback()
    flash_warning(screen.labels.message(sentence))
    abort(redirect(screen.cancel_url()))


def _is_there(screen: Any, pk: Any, *, deleted: bool) -> bool:
    try:
        screen.row_or_404(pk, deleted=deleted)
    except NotFound:
        return False
    return True


def _was_deleted(screen: Any, pk: Any) -> bool:
    """Whether there was a row: it is kept with the time of its deletion, or the audit log says that it was deleted."""
    if screen.trash:
        return _is_there(screen, pk, deleted=True)
    if "delete" not in screen.include_route_methods or not _is_key(screen, pk):
        return False
    subject = (screen.model.__name__, pk)
    if screen.tenantless:
        with scope.all_tenants("the rows of this screen are of no tenant, and so are their audit entries") as session:
            return audit.has_entry(session, subject, tenant_id=None, of=".deleted")
    return audit.has_entry(db.session(), subject, tenant_id=scope.own_tenant_id(db.session()), of=".deleted")


def _is_key(screen: Any, pk: Any) -> bool:
    (key,) = inspect(screen.model).primary_key
    return isinstance(pk, key.type.python_type)
