"""The log formats that the shipper reads: one module for each vendor (adapter.py describes the interface)."""

from __future__ import annotations

from typing import Any

from app.shipper.adapters.adapter import Adapter
from app.shipper.adapters.fortigate import FORTIGATE
from app.shipper.adapters.suricata import SURICATA

ADAPTERS: dict[str, Adapter[Any]] = {adapter.name: adapter for adapter in (SURICATA, FORTIGATE)}
"""The adapters by the value of ``--format``."""
