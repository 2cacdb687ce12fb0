"""``flask portal cron`` that enqueues a tick every second instead of every minute: ``python -m tests.support.fast_cron``."""

from __future__ import annotations

from typing import Any

from app import create_app
from app.background import cron

_register = cron.PortalCron.register


def _every_second(self: cron.PortalCron, function: Any, queue: str, *, cron: str, **options: Any) -> Any:
    return _register(self, function, queue, interval=1, **options)


if __name__ == "__main__":
    cron.PortalCron.register = _every_second
    with create_app().app_context():
        cron.run()
