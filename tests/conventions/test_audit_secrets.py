"""No secret of any table is in an audit entry, even if a rule records a whole row."""

from __future__ import annotations

import re

from flask_appbuilder import Model
from sqlalchemy import String, select

from models import audit
from models.accounts.profile import change_profile, profile_of
from models.actor import SYSTEM

SECRET = re.compile(r"password|secret|token|_hash$|_key$")
NO_SECRETS = {
    "logo_hash": "the version of a picture",
    "last_hash": "the chain of the audit log, which its readers verify",
    "request_hash": "what was sent with an idempotency key",
    "contact_key": "a name and a phone number, to find contacts",
    "object_key": "the place of a file in the store",
}


def test_no_entry_has_the_value_of_a_column_with_a_secret(app):
    found = [
        (mapper.class_, each.key)
        for mapper in Model.registry.mappers
        for each in mapper.column_attrs
        if isinstance(each.columns[0].type, String) and SECRET.search(each.key) and each.key not in NO_SECRETS
    ]
    assert len(found) > 10

    told = [
        f"{row_class.__name__}.{name}"
        for row_class, name in found
        if "himitsu" in str(audit.changes(row_class(**{name: "himitsu"})))
    ]

    assert told == [], "Add the column to models.audit.SECRETS."


def test_the_note_of_a_profile_is_not_in_the_entry_of_its_change(make):
    user = make.user(note="himitsu-1")
    changed = profile_of(user)._replace(note="himitsu-2")

    change_profile(make.session, user.id, changed, version=user.version, by=SYSTEM)

    entry = make.session.scalars(select(audit.AuditEntry).where(audit.AuditEntry.action == "user.changed")).one()
    assert (entry.before, entry.after) == ({"note": "***"}, {"note": "***"})
