"""サポート画面 (§9.1): the links to manuals and the contact that NEC's staff maintain, the same for every tenant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import CheckConstraint, SmallInteger, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from models import audit
from models.actor import Actor
from models.db import Base
from models.errors import N_, NOTHING_CHANGED, DomainError
from models.row_lock import serialize
from models.values import web_address
from models.versioned import Versioned, check_version

MAX_LINKS = 20
"""The maximum number of links to manuals."""
TITLE_LENGTH = 100
URL_LENGTH = 2_000
NAME_LENGTH = 100
EMAIL_LENGTH = 254
PHONE_LENGTH = 20
HOURS_LENGTH = 200

TOO_MANY_LINKS = N_("There can be at most %(most)s links.")
NOT_HTTPS = N_("Enter a URL that begins with https://.")

_KEY = 1


@dataclass(frozen=True, slots=True)
class ManualLink:
    """A link to a manual, or to a page that lists manuals."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class SupportContent:
    """The content of the page. Texts are empty where there is none.

    :param hours: when the contact can be reached.
    """

    links: tuple[ManualLink, ...] = ()
    contact_name: str = ""
    email: str = ""
    phone: str = ""
    hours: str = ""

    def columns(self) -> dict[str, Any]:
        """Return the values of the table's columns."""
        return asdict(self) | {"links": [asdict(link) for link in self.links]}


class SupportPage(Versioned, Base):
    """The only row of the table; there is none before the page is saved for the first time."""

    __tablename__ = "support_page"
    __table_args__ = (CheckConstraint("id = 1", name="ck_support_page_one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    links: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    contact_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    phone: Mapped[str] = mapped_column(String(PHONE_LENGTH))
    hours: Mapped[str] = mapped_column(String(HOURS_LENGTH))

    @property
    def content(self) -> SupportContent:
        """The stored content."""
        links = tuple(ManualLink(**link) for link in self.links)
        return SupportContent(links, self.contact_name, self.email, self.phone, self.hours)


def stored(session: Session) -> tuple[SupportContent, int]:
    """Return the content of the page and its version, which is 0 before the first time."""
    row = _row(session)
    return (row.content, row.version) if row is not None else (SupportContent(), 0)


def check_manual_url(url: str) -> None:
    """Check that a text is the https URL of a web page.

    :raises DomainError: it is not.
    """
    web_address.check_page(url)
    if not url.lower().startswith("https://"):
        raise DomainError(NOT_HTTPS)


def check_links(links: Sequence[ManualLink]) -> None:
    """Check the links to manuals.

    :raises DomainError: there are too many, or one is not an https URL.
    """
    if len(links) > MAX_LINKS:
        raise DomainError(TOO_MANY_LINKS, most=MAX_LINKS)
    for link in links:
        check_manual_url(link.url)


def save(session: Session, content: SupportContent, *, version: int, by: Actor) -> None:
    """Save the page.

    :param version: the version that the person changed.
    :raises Conflict: somebody else saved the page in the meantime.
    :raises DomainError: nothing changes, or a link is not allowed.
    """
    serialize(session, "support page")
    row = _row(session)
    check_version(row.version if row is not None else 0, version)
    check_links(content.links)
    before = (row.content if row is not None else SupportContent()).columns()
    after = content.columns()
    if before == after:
        raise DomainError(NOTHING_CHANGED)
    if row is None:
        row = SupportPage(id=_KEY)
        session.add(row)
    for name, value in after.items():
        setattr(row, name, value)
    session.flush()
    audit.record(session, "support_page.changed", ("SupportPage", _KEY), by=by, before=before, after=after)


def _row(session: Session) -> SupportPage | None:
    return session.scalar(select(SupportPage).where(SupportPage.id == _KEY).execution_options(populate_existing=True))
