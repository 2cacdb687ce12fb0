"""The body of a UTM application: the delivery addresses, with the limits of the form (§8.3)."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import Form

from models.applications.delivery import DELIVERY_COLUMNS, MAX_DELIVERIES, MAX_UTMS
from models.applications.utm_rules import UtmApplicationInput
from views.api.json_body import Members
from views.forms.delivery import DeliveryAddressForm
from views.forms.fields import EmailAddressField, MaxLength, OneLine, TextField, ValidEmail

OPTIONAL = frozenset({"department"})
"""The members of a delivery address that may be missing or empty."""
APPLICANT_LENGTH = 256


class _Applicant(Form):
    """The person who applies, if it is not the customer's contact person."""

    applicant_name = TextField("", [MaxLength(APPLICANT_LENGTH), OneLine()])
    applicant_email = EmailAddressField("", [ValidEmail()])


def read_application(body: dict[str, Any]) -> UtmApplicationInput:
    """Return what a customer applies for.

    :raises CallRefused: a member is missing, or wrong.
    """
    members = Members(body)
    members.only({"deliveries", "applicant_name", "applicant_email"})
    deliveries = [_delivery(one, members) for one in members.objects("deliveries", most=MAX_DELIVERIES)]
    applicant = checked(
        _Applicant, members, ("applicant_name", "applicant_email"), optional=("applicant_name", "applicant_email")
    )
    if applicant["applicant_name"] and not applicant["applicant_email"]:
        members.wrong("applicant_email", "An applicant needs an email address.")
    members.check()
    return UtmApplicationInput(deliveries=deliveries, **applicant)


def _delivery(members: Members, whole: Members) -> dict[str, Any]:
    members.only({*DELIVERY_COLUMNS, "utm_count"})
    values = checked(DeliveryAddressForm, members, DELIVERY_COLUMNS, optional=OPTIONAL)
    values["utm_count"] = members.whole_number("utm_count", least=1, most=MAX_UTMS)
    whole.errors += members.errors
    return values


def checked(form_class: type[Form], members: Members, names: Any, *, optional: Any) -> dict[str, Any]:
    """Return the values of some members as a form normalizes them. A member with a wrong type has that error alone."""
    typed = {name: members.text(name, required=name not in optional) for name in names}
    wrong = {error.field.rpartition(".")[2] for error in members.errors}
    form = form_class(MultiDict(typed))
    form.validate()
    for name in names:
        if name not in wrong:
            for message in form[name].errors:
                members.wrong(name, str(message))
    return {name: form[name].data for name in names}
