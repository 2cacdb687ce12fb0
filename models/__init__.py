"""Tables, states and business rules. Nothing here knows a request, a screen or a queue."""

from __future__ import annotations

import importlib
import pkgutil

# First, before a relationship of ours waits for a class that is not there yet: it adds columns to FAB's user.
import models.accounts.user  # noqa: F401  (imported for its columns)

# Importing every module makes each table known to migrations and to relationships that name a class.
for _module in pkgutil.walk_packages(__path__, "models."):
    importlib.import_module(_module.name)
