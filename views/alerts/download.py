"""ダウンロード of the alert screens (§7.17): the choice of UTMs, and the ZIP with one CSV per UTM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from io import RawIOBase
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from flask import abort, request
from flask_babel import gettext
from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from models import clock, scope
from models.alerts import export as alert_export
from models.alerts.search import AlertQuery
from models.customers.customer import Customer
from models.prepared_statement import PreparedStatement, prepare
from models.utms.utm import Utm
from models.values.company_name import search_key
from views.arguments import search_text
from views.read_sessions import read_session, streamed

MAX_UTMS = 100
"""The maximum number of UTMs that can be chosen for a download."""

_NAMED = 3
"""The maximum number of UTMs named in a message: messages are kept in the session cookie, whose size is limited."""

_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Chooser:
    """The contents of the dialog UTMの選択.

    :param utms: the UTMs to choose from. If the server filters them, ticked ones come first; while the dialog is closed,
        there is at most one.
    :param chosen: the keys of the ticked UTMs.
    :param total: the number of UTMs that can be downloaded.
    :param search: the text by which the server filters the UTMs.
    :param opened: whether the page is sent with the dialog open.
    :param found: the number of UTMs that match the search, None if the server does not filter.
    """

    utms: Sequence[Any]
    chosen: frozenset[int]
    total: int
    search: str
    opened: bool
    found: int | None = None

    @property
    def searches(self) -> bool:
        """Whether there are more UTMs than can be chosen at once, so that the server filters them."""
        return self.total > MAX_UTMS


class CustomerUtm(NamedTuple):
    """The columns of a UTM that the alert screens need."""

    id: int
    utm_id: str
    name: str
    removed_at: str | None


class AlertCustomer(NamedTuple):
    """The columns of a customer that the alert screens need."""

    id: str
    tenant_id: str
    name: str


def customer_with_utms(customer_id: str) -> tuple[AlertCustomer, list[CustomerUtm]]:
    """Return the customer of a URL and all its UTMs by name, including removed ones; 404 if the tenant has no such customer.

    A single statement, because every page of alerts needs both.
    """
    rows = _customer_and_utms().run(read_session(), {"customer_id": customer_id})
    if not rows:
        abort(404)
    *customer, found = rows[0]
    return AlertCustomer(*customer), [CustomerUtm(*each) for each in found or ()]


@cache
def _customer_and_utms() -> PreparedStatement:
    columns = func.json_build_array(Utm.id, Utm.utm_id, Utm.name, Utm.removed_at)
    utms = select(func.json_agg(aggregate_order_by(columns, Utm.name, Utm.id))).where(Utm.customer_id == Customer.id)
    customer = select(Customer.id, Customer.tenant_id, Customer.name, utms.scalar_subquery())
    return prepare(customer.where(Customer.id == bindparam("customer_id"), Customer.deleted_at.is_(None)))


def chooser(utms: Sequence[Any], utm_id: int | None) -> Chooser:
    """Return the UTMs that can be chosen for a download, without removed ones (§7.10).

    The UTMs that were ticked before the dialog was reloaded stay ticked; when it is first opened, the UTM that the list
    is filtered by is ticked. If that leaves none ticked, all are, unless they are too many to be chosen at once.

    :param utms: all UTMs of the customer.
    :param utm_id: the UTM that the list is filtered by.
    """
    present = [utm for utm in utms if utm.removed_at is None]
    if request.args.get("choose") != "1":
        return Chooser(present[:1], frozenset(), total=len(present), search="", opened=False)
    keys = frozenset(utm.id for utm in present)
    wanted = set(request.args.getlist("picked"))
    if not wanted and "utm_search" not in request.args:
        wanted = {str(utm_id)}
    picked = [utm for utm in present if str(utm.id) in wanted]
    chosen = frozenset(utm.id for utm in picked)
    if len(present) <= MAX_UTMS:
        return Chooser(present, chosen or keys, total=len(present), search="", opened=True)
    search = search_text("utm_search")
    words = search_key(search)
    found = [utm for utm in present if words in search_key(utm.name)]
    others = [utm for utm in found if utm.id not in chosen]
    return Chooser(
        picked + others[:MAX_UTMS],
        chosen,
        total=len(present),
        search=search,
        opened=True,
        found=len(found),
    )


def refusal(utms: Sequence[Any]) -> str | None:
    """Return why the choice of UTMs in the form is rejected, None if it is not.

    Abort with 404 if one of the UTMs does not belong to the customer.

    :param utms: all UTMs of the customer.
    """
    wanted = set(request.form.getlist("utm"))
    if not wanted <= {str(utm.id) for utm in utms}:
        abort(404)
    removed = [utm.name for utm in utms if utm.removed_at is not None and str(utm.id) in wanted]
    if removed:
        names, more = ", ".join(removed[:_NAMED]), len(removed) - _NAMED
        if more > 0:
            return gettext(
                "%(names)s and %(count)s more have been removed and cannot be downloaded.", names=names, count=more
            )
        return gettext("%(names)s have been removed and cannot be downloaded.", names=names)
    if len(wanted) > MAX_UTMS:
        return gettext("At most %(most)s UTMs can be chosen at once.", most=MAX_UTMS)
    # No choice means all UTMs, which is possible only if they can be chosen at once.
    if not wanted and sum(utm.removed_at is None for utm in utms) > MAX_UTMS:
        return gettext("Choose at least one UTM.")
    return None


def chosen_utms(utms: Sequence[Any]) -> list[Any]:
    """Return the UTMs chosen in the form, or all if it names none; 404 if there is none to download.

    :param utms: all UTMs of the customer. The caller has checked the choice with ``refusal``.
    """
    wanted = set(request.form.getlist("utm"))
    found = [utm for utm in utms if utm.removed_at is None and (not wanted or str(utm.id) in wanted)]
    if not found:
        abort(404)
    return found


def archive(tenant_id: str, utms: Sequence[Any], query: AlertQuery, file_part: str) -> Iterator[bytes]:
    """Generate the ZIP piece by piece, each file in a database session of its own.

    :param query: the search; each file contains the matching alerts of its UTM.
    :param file_part: the part of the file names that describes the period.
    """
    pieces = _Pieces()
    with ZipFile(pieces, "w") as made:
        for utm in utms:
            name = f"alerts_{utm.utm_id}_{file_part}.csv"
            with made.open(_member(name), "w", force_zip64=True) as file:
                for block in streamed(
                    scope.of_tenant(tenant_id), partial(_csv_blocks, replace(query, utm_id=utm.id), utm.name)
                ):
                    file.write(block)
                    if len(pieces.kept) >= _PIECE:
                        yield pieces.take()
    yield pieces.take()


def _csv_blocks(query: AlertQuery, utm_name: str, session: Session) -> Iterator[bytes]:
    return alert_export.csv_blocks(session, query, utm_name)


class _Pieces(RawIOBase):
    """A writable file that buffers its content until it is taken."""

    def __init__(self) -> None:
        self.kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.kept += data
        return len(data)

    def take(self) -> bytes:
        taken, self.kept = self.kept, bytearray()
        return bytes(taken)


def _member(name: str) -> ZipInfo:
    """Return a ZIP entry dated now, in Tokyo time because ZIP timestamps have no time zone."""
    member = ZipInfo(name, clock.utc_now().astimezone(clock.TOKYO).timetuple()[:6])
    member.compress_type = ZIP_DEFLATED
    # Python 3.13 adds a public name for this attribute.
    member._compresslevel = 1  # type: ignore[attr-defined]  # noqa: SLF001
    return member
