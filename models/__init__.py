"""What is true: tables, states and rules. Knows no request, no screen and no queue."""

from __future__ import annotations

# First, while no relationship of ours waits for a class that is not there yet: it adds columns to FAB's own user.
import models.accounts.user  # noqa: F401  (imported for its columns)

# isort: split
# Importing every module here is what makes each table known to migrations and to relationships by name.
from models import audit  # noqa: F401  (imported for their tables)
from models.accounts import (
    membership,  # noqa: F401  (imported for their tables)
    password_link,  # noqa: F401  (imported for their tables)
    rights_version,  # noqa: F401  (imported for their tables)
)
from models.alerts import alert  # noqa: F401  (imported for their tables)
from models.applications import extra_question  # noqa: F401  (imported for their tables)
from models.contracts import contract  # noqa: F401  (imported for their tables)
from models.customers import customer  # noqa: F401  (imported for their tables)
from models.mail.outbox import outbox  # noqa: F401  (imported for their tables)
from models.mail.outbox import template as mail_template  # noqa: F401  (imported for their tables)
from models.notifications import address as notification_address  # noqa: F401  (imported for their tables)
from models.operations import schedule  # noqa: F401  (imported for their tables)
from models.tenants import (
    access_origin,  # noqa: F401  (imported for their tables)
    api_token,  # noqa: F401  (imported for their tables)
    tenant,  # noqa: F401  (imported for their tables)
)
from models.tenants import link as portal_link  # noqa: F401  (imported for their tables)
from models.tenants import settings as tenant_settings  # noqa: F401  (imported for their tables)
from models.utms import (
    device_token,  # noqa: F401  (imported for their tables)
    utm,  # noqa: F401  (imported for their tables)
)
