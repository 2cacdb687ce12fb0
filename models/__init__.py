"""What is true: tables, states and rules. Knows no request, no screen and no queue."""

from __future__ import annotations

# Importing every module here is what makes each table known to migrations and to relationships by name.
from models import (  # noqa: F401  (imported for their tables)
    alert,
    audit,
    contract,
    customer,
    device_token,
    membership,
    password_link,
    rights,
    tenant,
    timetable,
    user,
    utm,
)
