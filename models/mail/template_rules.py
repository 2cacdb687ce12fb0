"""Manage a tenant's mail templates (§5.4.3): save, reset, restore, copy to other tenants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Integer, Select, String, Text, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.errors import N_, DomainError
from models.mail import placeholders
from models.mail.kinds import MailKind, MailText
from models.mail.template import (
    BODY_LENGTH,
    SUBJECT_LENGTH,
    MailTemplate,
    MailTemplateVersion,
    VersionReason,
    cleaned,
    default_text,
    newest_numbers,
    own_text,
    own_texts,
)
from models.row_lock import serialize
from models.tenants.tenant import Tenant
from models.versioned import check_version

NOTHING_CHANGED = N_("Change at least one item.")
CANNOT_BE_SENT = N_("The text cannot be used in a mail of this kind.")
ALREADY_DEFAULT = N_("The template already has its default text.")
ALREADY_THIS = N_("The template already has the text of this version.")

_VERSION = MailTemplateVersion.__table__
_WRITTEN = ["tenant_id", "kind", "number", "subject", "body", "restored_number", "happening", "actor"]


def save(  # noqa: PLR0913  (each is a fact about the change)
    session: Session, tenant_id: str, kind: MailKind, new: MailText, *, version: int, by: Actor
) -> None:
    """Save a tenant's custom text. A text equal to the default resets the template to デフォルト.

    :param new: the text, with subject None for an SMS.
    :param version: the newest version number when the person opened the form, 0 for none.
    :raises Conflict: the template was changed in the meantime.
    :raises DomainError: nothing changes, or the text is invalid.
    """
    new = cleaned(new)
    _check(kind, new)
    own = _begin(session, tenant_id, kind, version)
    if new == (own or default_text(kind)):
        raise DomainError(NOTHING_CHANGED)
    wanted = None if new == default_text(kind) else new
    _put(session, [tenant_id], kind.name, wanted, VersionReason.SAVED, by=by)
    _record(session, "mail_template.saved", tenant_id, kind, by=by, before=own, after=wanted)


def reset(session: Session, tenant_id: str, kind: MailKind, *, version: int, by: Actor) -> None:
    """Reset a template to the default (デフォルトに戻す). The versions are kept.

    :raises Conflict: the template was changed in the meantime.
    :raises DomainError: it has the default already.
    """
    own = _begin(session, tenant_id, kind, version)
    if own is None:
        raise DomainError(ALREADY_DEFAULT)
    _put(session, [tenant_id], kind.name, None, VersionReason.RESET, by=by)
    _record(session, "mail_template.reset", tenant_id, kind, by=by, before=own, after=None)


def restore(session: Session, kind: MailKind, old: MailTemplateVersion, *, version: int, by: Actor) -> None:
    """Restore the text of an older version of the same tenant.

    :raises Conflict: the template was changed in the meantime.
    :raises DomainError: that text is in use already, or is no longer valid.
    """
    wanted, tenant_id = old.text, old.tenant_id
    if wanted is not None:
        _check(kind, wanted)
    own = _begin(session, tenant_id, kind, version)
    if wanted == own:
        raise DomainError(ALREADY_THIS)
    _put(session, [tenant_id], kind.name, wanted, VersionReason.RESTORED, by=by, restored_number=old.number)
    _record(session, "mail_template.restored", tenant_id, kind, by=by, before=own, after=wanted)


def copy(session: Session, source_id: str, target_ids: Iterable[str], kinds: Sequence[MailKind], *, by: Actor) -> None:
    """Copy the texts of one tenant to others: custom texts are overwritten, a default resets the template there.

    A template that already has the same text gets no new version.

    :param session: a cross-tenant session; all copies are made in its transaction.
    :param target_ids: tenants the person may write to.
    :raises ValueError: the source is among the targets.
    """
    targets = sorted(set(target_ids))
    if source_id in targets:
        raise ValueError("A tenant's templates are not copied to itself.")
    _lock(session, [source_id, *targets])
    names = [kind.name for kind in kinds]
    texts = own_texts(session, [source_id, *targets], names)
    for name in names:
        text = texts.get((source_id, name))
        changed = [target for target in targets if texts.get((target, name)) != text]
        _put(session, changed, name, text, VersionReason.COPIED, by=by)
    for target in targets:
        audit.record(
            session, "mail_template.copied", ("Tenant", target), by=by, tenant_id=target, after={"kinds": names}
        )


def _check(kind: MailKind, new: MailText) -> None:
    """Refuse an invalid text. The form has reported each error before; this is the final check."""
    if kind.sms != (new.subject is None):
        raise DomainError(CANNOT_BE_SENT)
    for field, part, most in (("subject", new.subject, SUBJECT_LENGTH), ("body", new.body, BODY_LENGTH)):
        if part is not None and (not part or len(part) > most or placeholders.faults(part, kind.placeholders)):
            raise DomainError(CANNOT_BE_SENT, field=field)
    if new.subject is not None and new.subject != placeholders.one_line(new.subject):
        raise DomainError(CANNOT_BE_SENT, field="subject")


def _begin(session: Session, tenant_id: str, kind: MailKind, version: int) -> MailText | None:
    """Lock the template and check its version.

    :returns: the tenant's custom text.
    :raises Conflict: the template was changed since the person opened it.
    """
    _lock(session, [tenant_id])
    check_version(newest_numbers(session, [tenant_id]).get((tenant_id, kind.name), 0), version)
    return own_text(session, tenant_id, kind)


def _lock(session: Session, tenant_ids: Iterable[str]) -> None:
    """Prevent concurrent changes of these tenants' templates until the end of the transaction."""
    serialize(session, "mail_template", tenant_ids)


def _put(  # noqa: PLR0913  (each is a column of the version)
    session: Session,
    tenant_ids: Sequence[str],
    kind: str,
    text: MailText | None,
    reason: VersionReason,
    *,
    by: Actor,
    restored_number: int | None = None,
) -> None:
    """Write a text, or the default for None, as the next version of a kind for some tenants."""
    if not tenant_ids:
        return
    # One statement for all tenants, so that the text is transferred once.
    session.execute(
        insert(_VERSION).from_select(
            _WRITTEN,
            _next_versions(tenant_ids, kind, text, restored_number).add_columns(
                literal(reason.value), literal(by.name)
            ),
        )
    )
    session.execute(
        delete(MailTemplate)
        .where(MailTemplate.tenant_id.in_(tenant_ids), MailTemplate.kind == kind)
        .execution_options(synchronize_session=False)
    )
    if text is not None:
        newest = (
            select(_VERSION.c.tenant_id, _VERSION.c.kind, _VERSION.c.subject, _VERSION.c.body, _VERSION.c.number)
            .where(_VERSION.c.tenant_id.in_(tenant_ids), _VERSION.c.kind == kind)
            .ext(distinct_on(_VERSION.c.tenant_id))
            .order_by(_VERSION.c.tenant_id, _VERSION.c.number.desc())
        )
        columns = ["tenant_id", "kind", "subject", "body", "version"]
        session.execute(insert(MailTemplate.__table__).from_select(columns, newest))


def _next_versions(
    tenant_ids: Sequence[str], kind: str, text: MailText | None, restored_number: int | None
) -> Select[Any]:
    """Select the first columns of the next version for each tenant."""
    number = (
        select(func.coalesce(func.max(_VERSION.c.number), 0) + 1)
        .where(_VERSION.c.tenant_id == Tenant.id, _VERSION.c.kind == kind)
        .scalar_subquery()
    )
    return select(
        Tenant.id,
        literal(kind),
        number,
        literal(text.subject if text else None, String),
        literal(text.body if text else None, Text),
        literal(restored_number, Integer),
    ).where(Tenant.id.in_(tenant_ids))


def _record(  # noqa: PLR0913  (each is a column of the row)
    session: Session,
    action: str,
    tenant_id: str,
    kind: MailKind,
    *,
    by: Actor,
    before: MailText | None,
    after: MailText | None,
) -> None:
    """Add the audit entry. For the default, ``before`` or ``after`` is None."""
    audit.record(
        session,
        action,
        ("MailTemplate", kind.name),
        by=by,
        tenant_id=tenant_id,
        before=asdict(before) if before else None,
        after=asdict(after) if after else None,
    )
