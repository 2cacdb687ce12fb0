"""Tables, states and business rules. This package does not depend on requests, screens or queues."""

from __future__ import annotations

import importlib
import pkgutil

# Imported first: it adds columns to FAB's user class, which must happen before SQLAlchemy configures the mappers.
import models.accounts.user  # noqa: F401  (imported for its columns)

# Import every module so that migrations see each table and relationships can refer to classes by name.
for _module in pkgutil.walk_packages(__path__, "models."):
    importlib.import_module(_module.name)
