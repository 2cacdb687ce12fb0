"""Mail templates (メールテンプレート, §5.4.3): a tenant's custom texts and their earlier versions."""

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
"""In characters; a line break counts as one. The manual sets no limit; the longest default text has about 400."""


class VersionReason(StrEnum):
    """How a version came about."""

    SAVED = "saved"
    RESET = "reset"
    COPIED = "copied"
    RESTORED = "restored"


class MailTemplate(TenantScoped, Base):
    """A tenant's custom text for a kind of mail (カスタム). Without a row, the default is used (デフォルト)."""

    __tablename__ = "mail_template"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind"),
        CheckConstraint("subject !~ '[[:cntrl:]]'", name="ck_mail_template_subject"),
        CheckConstraint(f"char_length(body) BETWEEN 1 AND {BODY_LENGTH}", name="ck_mail_template_body"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    # NULL for an SMS.
    subject: Mapped[str | None] = mapped_column(String(SUBJECT_LENGTH))
    body: Mapped[str] = mapped_column(Text)
    # The number of the version with this text.
    version: Mapped[int] = mapped_column(Integer)


class MailTemplateVersion(TenantScoped, Base):
    """A version of a tenant's text. Rows are only inserted and read.

    Version numbers of a kind increase by one, also when the template is reset to the default. The newest number serves
    to detect concurrent edits.
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
    # NULL where the template was reset to the default.
    body: Mapped[str | None] = mapped_column(Text)
    # The number of the version that was restored.
    restored_number: Mapped[int | None] = mapped_column(Integer)
    actor: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[CreatedAt]

    @property
    def text(self) -> MailText | None:
        """The text, None where the template was reset to the default."""
        return None if self.body is None else MailText(self.subject, self.body)


def cleaned(text: MailText) -> MailText:
    """Normalize a text for storage: uniform line breaks, no control characters, no surrounding blanks.

    A line break in the subject is kept, so that the validation can refuse it.
    """
    subject = None if text.subject is None else text.subject.strip()
    return MailText(subject, placeholders.several_lines(text.body).strip("\n").rstrip())


def default_text(kind: MailKind) -> MailText:
    """Return the default text, normalized like a tenant's custom text."""
    return cleaned(kind.default)


def text_for(session: Session, tenant_id: str, kind: MailKind) -> MailText:
    """Return the text for a tenant's mails: its custom text, otherwise the default."""
    return own_text(session, tenant_id, kind) or kind.default


def current_text(session: Session, tenant_id: str, kind: MailKind) -> MailText:
    """Return the text in use, normalized for storage."""
    return own_text(session, tenant_id, kind) or default_text(kind)


def own_text(session: Session, tenant_id: str, kind: MailKind) -> MailText | None:
    """Return a tenant's custom text of a kind, None if it uses the default."""
    return own_texts(session, [tenant_id], [kind.name]).get((tenant_id, kind.name))


def own_texts(session: Session, tenant_ids: Collection[str], kinds: Collection[str]) -> dict[tuple[str, str], MailText]:
    """Return tenants' custom texts by tenant and kind, without those that use the default."""
    # Columns instead of objects, because objects in the session may be older than the lock.
    rows = session.execute(
        select(MailTemplate.tenant_id, MailTemplate.kind, MailTemplate.subject, MailTemplate.body).where(
            MailTemplate.tenant_id.in_(tenant_ids), MailTemplate.kind.in_(kinds)
        )
    )
    return {(tenant_id, kind): MailText(subject, body) for tenant_id, kind, subject, body in rows}


def newest_numbers(session: Session, tenant_ids: Collection[str]) -> dict[tuple[str, str], int]:
    """Return the newest version numbers by tenant and kind, without those that never had a version."""
    rows = session.execute(
        select(MailTemplateVersion.tenant_id, MailTemplateVersion.kind, func.max(MailTemplateVersion.number))
        .where(MailTemplateVersion.tenant_id.in_(tenant_ids))
        .group_by(MailTemplateVersion.tenant_id, MailTemplateVersion.kind)
    )
    return {(tenant_id, kind): number for tenant_id, kind, number in rows}


def kind_named(name: str) -> MailKind | None:
    """Return the editable kind with a name, None when there is none."""
    return next((kind for kind in EDITABLE if kind.name == name), None)
