"""The HTTP APIs for UTMs and for the customers' portal."""

from __future__ import annotations

from views.api import customer_api, device_api
from views.api.customer_api import CustomerApi
from views.api.device_api import DeviceApi
from views.register import RateLimit

APIS = (DeviceApi, CustomerApi)
# Both APIs check bearer tokens themselves.
PUBLIC = (
    "CustomerApi.apply_for_utms",
    "CustomerApi.change_utm",
    "CustomerApi.note_password_set",
    "CustomerApi.note_sign_in",
    "CustomerApi.openapi",
    "CustomerApi.reset_password",
    "CustomerApi.tenant",
    "CustomerApi.utm",
    "CustomerApi.utms",
    "CustomerApi.verify_link",
    "DeviceApi.alerts",
    "DeviceApi.heartbeat",
    "DeviceApi.openapi",
    "DeviceApi.threat_stats",
)
RATE_LIMITS = (
    *(
        RateLimit(name, limit, key=limits.token_key, exempt=limits.unknown)
        for name, limit, limits in (
            ("DeviceApi", "DEVICE_RATE_LIMIT", device_api.LIMITS),
            ("CustomerApi", "CUSTOMER_API_RATE_LIMIT", customer_api.LIMITS),
        )
    ),
    # Per IP address and API. Callers with an active token are exempt, so that others behind their address cannot block them.
    RateLimit("DeviceApi", "UNKNOWN_TOKEN_RATE_LIMIT", exempt=device_api.LIMITS.known),
    RateLimit("CustomerApi", "UNKNOWN_TOKEN_RATE_LIMIT", exempt=customer_api.LIMITS.known),
)
