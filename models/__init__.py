"""What is true: tables, states and rules. Knows no request, no screen and no queue."""

from __future__ import annotations

# First, while no relationship of ours waits for a class that is not there yet: it adds columns to FAB's own user.
import models.user  # noqa: F401  (imported for its columns)

# isort: split
# Importing every module here is what makes each table known to migrations and to relationships by name.
from models import (  # noqa: F401  (imported for their tables)
    access_origin,
    alert,
    application_field,
    audit,
    contract,
    customer,
    device_token,
    mail,
    mail_template,
    membership,
    notification_address,
    password_link,
    portal_link,
    portal_token,
    rights,
    tenant,
    tenant_settings,
    timetable,
    utm,
)
