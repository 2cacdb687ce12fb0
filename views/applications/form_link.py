"""The link of the UTM application form (§8.3) on a customer's page."""

from __future__ import annotations

from flask_babel import gettext

from models.customers.customer import Customer
from models.db import db
from models.tenants import settings as tenant_settings
from views.base import url_if
from views.public_applications.links import utm_form_url
from views.register import SharedLink


def utm_form(customer: Customer) -> SharedLink | None:
    """Return the link, if the tenant accepts UTM applications and the user may change customers.

    Whoever has the link can apply for the customer, so it is not shown to users who may only look.
    """
    if url_if("can_edit", "Customers", "CustomerView.edit", customer_id=customer.id) is None:
        return None
    settings = tenant_settings.of_tenant(db.session())
    if not settings.utm_applications:
        return None
    return SharedLink(
        gettext("UTM application form"),
        utm_form_url(customer.tenant_id, customer.id, settings.invitation_number),
        gettext("With this link, the customer can apply for more UTMs. Pass it on to the customer only."),
    )
