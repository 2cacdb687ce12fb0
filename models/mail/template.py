"""Mail templates (メールテンプレート, §5.4.3): a tenant's own text of a kind of mail, and every text it had before."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Identity, Integer, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.db import Base, CreatedAt
from models.mail import placeholders
from models.mail.kinds import EDITABLE, MailKind, MailText
from models.scope import TenantScoped

SUBJECT_LENGTH = 255
BODY_LENGTH = 10_000
"""Characters, line ends counted as one. The manual names no limits; the longest default has about 400."""


class VersionReason(StrEnum):
    """What made a version."""

    SAVED = "saved"
    RESET = "reset"
    COPIED = "copied"
    RESTORED = "restored"


class MailTemplate(TenantScoped, Base):
    """A tenant's own text of a kind of mail (カスタム). Without a row the default is used (デフォルト)."""

    __tablename__ = "mail_template"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind"),
        CheckConstraint("subject !~ '[[:cntrl:]]'", name="ck_mail_template_subject"),
        CheckConstraint(f"char_length(body) BETWEEN 1 AND {BODY_LENGTH}", name="ck_mail_template_body"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    # None for an SMS, which has none.
    subject: Mapped[str | None] = mapped_column(String(SUBJECT_LENGTH))
    body: Mapped[str] = mapped_column(Text)
    # The number of the version that has this text.
    version: Mapped[int] = mapped_column(Integer)


class MailTemplateVersion(TenantScoped, Base):
    """One version of a tenant's text. Rows are added and read, never changed.

    The numbers of a kind go up by one, also when the default comes back: the newest tells two people editing whether
    one of them has saved meanwhile.
    """

    __tablename__ = "mail_template_version"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "number"),
        CheckConstraint(
            "happening IN ('saved', 'reset', 'copied', 'restored')", name="ck_mail_template_version_happening"
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    number: Mapped[int] = mapped_column(Integer)
    happening: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str | None] = mapped_column(String(SUBJECT_LENGTH))
    # None where the default came back.
    body: Mapped[str | None] = mapped_column(Text)
    # The number of the version whose text this one brought back.
    restored_number: Mapped[int | None] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[CreatedAt]

    @property
    def text(self) -> MailText | None:
        """The text, None where the default came back."""
        return None if self.body is None else MailText(self.subject, self.body)


def cleaned(text: MailText) -> MailText:
    """A text as it is stored: all lines end alike, no control characters, no blanks at its ends.

    A line break in a subject stays, for whoever checks the text to refuse.
    """
    subject = None if text.subject is None else text.subject.strip()
    return MailText(subject, placeholders.several_lines(text.body).strip("\n").rstrip())


def default_text(kind: MailKind) -> MailText:
    """The text in the project's own words, in the form in which a tenant's own is stored."""
    return cleaned(kind.default)


def text_for(session: Session, tenant_id: str, kind: MailKind) -> MailText:
    """The text with which a tenant's mails are written: its own, else the default."""
    return own_text(session, tenant_id, kind) or kind.default


def current_text(session: Session, tenant_id: str, kind: MailKind) -> MailText:
    """The text in force, in the form in which a tenant's own is stored."""
    return own_text(session, tenant_id, kind) or default_text(kind)


def own_text(session: Session, tenant_id: str, kind: MailKind) -> MailText | None:
    """A tenant's own text of a kind, None where it has the default."""
    return own_texts(session, [tenant_id], [kind.name]).get((tenant_id, kind.name))


def own_texts(session: Session, tenant_ids: Collection[str], kinds: Collection[str]) -> dict[tuple[str, str], MailText]:
    """Tenants' own texts by tenant and kind; those that have the default are missing."""
    # Columns, not rows of the session: what is read under a lock must be what is there.
    rows = session.execute(
        select(MailTemplate.tenant_id, MailTemplate.kind, MailTemplate.subject, MailTemplate.body).where(
            MailTemplate.tenant_id.in_(tenant_ids), MailTemplate.kind.in_(kinds)
        )
    )
    return {(tenant_id, kind): MailText(subject, body) for tenant_id, kind, subject, body in rows}


def newest_numbers(session: Session, tenant_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """The number of the newest version by tenant and kind; those that never had one are missing."""
    rows = session.execute(
        select(MailTemplateVersion.tenant_id, MailTemplateVersion.kind, func.max(MailTemplateVersion.number))
        .where(MailTemplateVersion.tenant_id.in_(tenant_ids))
        .group_by(MailTemplateVersion.tenant_id, MailTemplateVersion.kind)
    )
    return {(tenant_id, kind): number for tenant_id, kind, number in rows}


def kind_named(name: str) -> MailKind | None:
    """The template of that name, None when there is none that a tenant may change."""
    return next((kind for kind in EDITABLE if kind.name == name), None)
