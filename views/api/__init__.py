"""The HTTP APIs for UTMs and for the customers' portal."""

from __future__ import annotations

from views.api.bearer import caller_key
from views.api.customer_api import CustomerApi
from views.api.device_api import DeviceApi
from views.register import RateLimit

APIS = (DeviceApi, CustomerApi)
# Both ask for tokens of their own.
PUBLIC = (
    "CustomerApi.openapi",
    "CustomerApi.tenant",
    "DeviceApi.alerts",
    "DeviceApi.heartbeat",
    "DeviceApi.openapi",
)
RATE_LIMITS = (
    RateLimit("DeviceApi", "DEVICE_RATE_LIMIT", key=caller_key),
    RateLimit("CustomerApi", "CUSTOMER_API_RATE_LIMIT", key=caller_key),
)
