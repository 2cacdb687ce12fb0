"""ダウンロード of the alert screens (§7.17): choosing UTMs, and the ZIP with one CSV for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from io import RawIOBase
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from flask import abort, request
from flask_babel import gettext
from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from models import clock, scope
from models.alerts import export as alert_export
from models.alerts.search import AlertQuery
from models.customers.customer import Customer
from models.db import db
from models.prepared_statement import PreparedStatement, prepare
from models.utms.utm import Utm
from models.values.company_name import search_key
from views.arguments import search_text

MOST_UTMS = 100
"""How many UTMs the chooser takes at once."""

_NAMED = 3
"""How many UTMs a message names: it travels in a cookie."""

_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Chooser:
    """UTMの選択.

    :param utms: those to choose from, the ticked first where there are many; only one while the dialog is shut.
    :param chosen: the keys of those that are ticked.
    :param total: how many UTMs can be downloaded.
    :param search: the text the server narrowed them by.
    :param opened: whether the page comes with the dialog open.
    :param found: how many the search found; None where none was needed.
    """

    utms: Sequence[Any]
    chosen: frozenset[int]
    total: int
    search: str
    opened: bool
    found: int | None = None

    @property
    def searches(self) -> bool:
        """Whether there are more than the chooser takes, so that the server narrows them."""
        return self.total > MOST_UTMS


class CustomerUtm(NamedTuple):
    """A UTM as it can be chosen."""

    id: int
    utm_id: str
    name: str
    removed_at: str | None


class AlertCustomer(NamedTuple):
    """The customer whose alerts are shown."""

    id: str
    tenant_id: str
    name: str


def customer_with_utms(customer_id: str) -> tuple[AlertCustomer, list[CustomerUtm]]:
    """The customer of a URL and every UTM of theirs by name, removed ones included; 404 for anybody else's.

    One statement, as every page of alerts asks for both.
    """
    rows = _customer_and_utms().run(db.session(), {"customer_id": customer_id})
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
    """What can be downloaded: removed UTMs cannot (§7.10).

    All are ticked, where they can be taken at once. Of more, those are that were ticked before the last search.

    :param utms: all of the customer's.
    :param utm_id: the UTM the list is narrowed to; it alone is ticked.
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
    if len(present) <= MOST_UTMS:
        return Chooser(present, chosen or keys, total=len(present), search="", opened=True)
    search = search_text("utm_search")
    words = search_key(search)
    found = [utm for utm in present if words in search_key(utm.name)]
    others = [utm for utm in found if utm.id not in chosen]
    return Chooser(
        picked + others[:MOST_UTMS],
        chosen,
        total=len(present),
        search=search,
        opened=True,
        found=len(found),
    )


def refusal(utms: Sequence[Any]) -> str | None:
    """What stands against a download of the UTMs the form names, and can be chosen otherwise; None for nothing.

    404 when one of them is none of the customer's.

    :param utms: all of those.
    """
    wanted = set(request.form.getlist("utm"))
    if not wanted <= {str(utm.id) for utm in utms}:
        abort(404)
    removed = [utm.name for utm in utms if utm.removed_at is not None and str(utm.id) in wanted]
    if removed:
        names, more = ", ".join(removed[:_NAMED]), len(removed) - _NAMED
        if more > 0:
            return gettext(
                "%(names)s and %(count)s more: removed meanwhile, and cannot be downloaded.", names=names, count=more
            )
        return gettext("%(names)s: removed meanwhile, and cannot be downloaded.", names=names)
    if len(wanted) > MOST_UTMS:
        return gettext("At most %(most)s UTMs can be chosen at once.", most=MOST_UTMS)
    # All of more cannot be meant.
    if not wanted and sum(utm.removed_at is None for utm in utms) > MOST_UTMS:
        return gettext("Choose at least one UTM.")
    return None


def chosen_utms(utms: Sequence[Any]) -> list[Any]:
    """The UTMs the form names, all when it names none; 404 when there is none to download.

    :param utms: all of the customer's; ``refusal`` has looked at the choice.
    """
    wanted = set(request.form.getlist("utm"))
    found = [utm for utm in utms if utm.removed_at is None and (not wanted or str(utm.id) in wanted)]
    if not found:
        abort(404)
    return found


def archive(tenant_id: str, utms: Sequence[Any], query: AlertQuery, file_part: str) -> Iterator[bytes]:
    """The ZIP piece by piece, in a database session that lives as long as the download.

    :param query: what is looked for; each file holds its UTM's part of it.
    :param file_part: what the names of the files say of the period.
    """
    with scope.tenant_session(tenant_id) as session:
        pieces = _Pieces()
        with ZipFile(pieces, "w") as made:
            for utm in utms:
                name = f"alerts_{utm.utm_id}_{file_part}.csv"
                with made.open(_member(name), "w", force_zip64=True) as file:
                    for block in alert_export.csv_blocks(session, replace(query, utm_id=utm.id)):
                        file.write(block)
                        if len(pieces.kept) >= _PIECE:
                            yield pieces.take()
        yield pieces.take()


class _Pieces(RawIOBase):
    """Keeps what is written until it is taken."""

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
    """A file of the ZIP, made now: its time is one without a zone, so that it has to be Tokyo's."""
    member = ZipInfo(name, clock.utc_now().astimezone(clock.TOKYO).timetuple()[:6])
    member.compress_type = ZIP_DEFLATED
    # It has a public name from Python 3.13 on.
    member._compresslevel = 1  # type: ignore[attr-defined]  # noqa: SLF001
    return member
