"""The schedule of all jobs, collected from the modules that declare entries (docs/howto/add-a-job.md)."""

from __future__ import annotations

import importlib
import pkgutil

import jobs
from models.operations.schedule import Entry


def declared() -> list[Entry]:
    """Return the ``SCHEDULE`` entries of all job modules."""
    modules = [importlib.import_module(f"jobs.{found.name}") for found in pkgutil.iter_modules(jobs.__path__)]
    return [entry for module in modules for entry in getattr(module, "SCHEDULE", ())]
