"""Rate limits when Redis goes away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

AT_ONCE = 4


@pytest.fixture
def limiter(app):
    """The limiter, which takes Redis up again after the test."""
    found = app.appbuilder.sm.limiter
    yield found
    found._storage_dead = False
    found._fallback_limiter.storage.reset()


def test_requests_that_notice_at_once_that_redis_is_gone_are_all_answered(app, limiter, monkeypatch):
    noticed = Barrier(AT_ONCE, timeout=10)

    def gone(*_args, **_kwargs):
        noticed.wait()
        raise RedisConnectionError

    monkeypatch.setattr(limiter.storage, "incr", gone)

    def send(_number: int) -> int:
        return app.test_client().post("/api/device/v1/heartbeat", json={}).status_code

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(send, range(AT_ONCE)))

    assert answers == [401] * AT_ONCE
