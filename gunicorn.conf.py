"""What gunicorn always does for the portal; it reads this file where it is started. The rest is said on its command line."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from app import logs


class _JsonLogger(Logger):
    """gunicorn's log as lines of the portal's own."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        logs.configure()
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = _JsonLogger
# Search conditions are addresses: the most it can be.
limit_request_line = 8190
# PROXY_COUNT alone says which proxies are believed (app/web/proxy.py). gunicorn would believe whoever calls from this machine
# or through a socket.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
