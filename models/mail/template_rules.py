"""What may be done with a tenant's mail templates (§5.4.3): save, reset, restore, copy to other tenants."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Integer, Select, String, Text, delete, func, insert, literal, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from models import audit
from models.actor import Actor
from models.errors import N_, Conflict, DomainError
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
from models.row_lock import take_turns
from models.tenants.tenant import Tenant

NOTHING_CHANGED = N_("Change at least one item.")
CANNOT_BE_SENT = N_("The text cannot be used in a mail of this kind.")
ALREADY_DEFAULT = N_("The template has its default text already.")
ALREADY_THIS = N_("The template has the text of this version already.")

_VERSION = MailTemplateVersion.__table__
_WRITTEN = ["tenant_id", "kind", "number", "subject", "body", "restored_number", "happening", "actor"]


def save(  # noqa: PLR0913  (each is a fact about the change)
    session: Session, tenant_id: str, kind: MailKind, new: MailText, *, version: int, by: Actor
) -> None:
    """Give a tenant its own text; one that is the default's makes the template デフォルト again.

    :param new: the subject None for an SMS.
    :param version: the number of the newest version the person had before them, 0 when there was none.
    :raises Conflict: somebody else changed the template since.
    :raises DomainError: nothing is different, or the text cannot be used.
    """
    new = cleaned(new)
    _check(kind, new)
    own = _begin(session, tenant_id, kind, version)
    if new == (own or default_text(kind)):
        raise DomainError(NOTHING_CHANGED)
    wanted = None if new == default_text(kind) else new
    _put(session, [tenant_id], kind.name, wanted, VersionReason.SAVED, by=by)
    _record(session, "saved", tenant_id, kind, by=by, before=own, after=wanted)


def reset(session: Session, tenant_id: str, kind: MailKind, *, version: int, by: Actor) -> None:
    """Go back to the default (デフォルトに戻す); the versions stay.

    :raises Conflict: somebody else changed the template since.
    :raises DomainError: it has the default already.
    """
    own = _begin(session, tenant_id, kind, version)
    if own is None:
        raise DomainError(ALREADY_DEFAULT)
    _put(session, [tenant_id], kind.name, None, VersionReason.RESET, by=by)
    _record(session, "reset", tenant_id, kind, by=by, before=own, after=None)


def restore(session: Session, kind: MailKind, old: MailTemplateVersion, *, version: int, by: Actor) -> None:
    """Bring back the text of an older version of the same tenant.

    :raises Conflict: somebody else changed the template since.
    :raises DomainError: that text is in force, or can no longer be used.
    """
    wanted, tenant_id = old.text, old.tenant_id
    if wanted is not None:
        _check(kind, wanted)
    own = _begin(session, tenant_id, kind, version)
    if wanted == own:
        raise DomainError(ALREADY_THIS)
    _put(session, [tenant_id], kind.name, wanted, VersionReason.RESTORED, by=by, restored_number=old.number)
    _record(session, "restored", tenant_id, kind, by=by, before=own, after=wanted)


def copy(session: Session, source_id: str, target_ids: Iterable[str], kinds: Sequence[MailKind], *, by: Actor) -> None:
    """Give other tenants the texts of one tenant: what they had is overwritten, a default becomes their default.

    A template that has the same text already gets no further version.

    :param session: one that crosses tenants; committing it makes all of the copies, or none.
    :param target_ids: tenants in which the person may write.
    :raises ValueError: the source is one of them.
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
    """The last line: the form has told the person of each fault by then."""
    if kind.sms != (new.subject is None):
        raise DomainError(CANNOT_BE_SENT)
    for field, part, most in (("subject", new.subject, SUBJECT_LENGTH), ("body", new.body, BODY_LENGTH)):
        if part is not None and (not part or len(part) > most or placeholders.faults(part, kind.placeholders)):
            raise DomainError(CANNOT_BE_SENT, field=field)
    if new.subject is not None and new.subject != placeholders.one_line(new.subject):
        raise DomainError(CANNOT_BE_SENT, field="subject")


def _begin(session: Session, tenant_id: str, kind: MailKind, version: int) -> MailText | None:
    """Have the template to oneself.

    :returns: the tenant's own text.
    :raises Conflict: somebody else changed it since the person looked.
    """
    _lock(session, [tenant_id])
    if newest_numbers(session, [tenant_id]).get((tenant_id, kind.name), 0) != version:
        raise Conflict
    return own_text(session, tenant_id, kind)


def _lock(session: Session, tenant_ids: Iterable[str]) -> None:
    """Until the commit nobody else changes these tenants' templates."""
    take_turns(session, "mail_template", tenant_ids)


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
    """Write a text of the same kind for some tenants, each with its next version; None is the default."""
    if not tenant_ids:
        return
    # The text is sent once, however many tenants there are.
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
    """A row for each tenant: the first columns of its next version."""
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
    what: str,
    tenant_id: str,
    kind: MailKind,
    *,
    by: Actor,
    before: MailText | None,
    after: MailText | None,
) -> None:
    """Add the audit row; a default is an empty side."""
    audit.record(
        session,
        f"mail_template.{what}",
        ("MailTemplate", kind.name),
        by=by,
        tenant_id=tenant_id,
        before=asdict(before) if before else None,
        after=asdict(after) if after else None,
    )
