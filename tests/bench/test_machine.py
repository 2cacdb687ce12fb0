from __future__ import annotations

import platform

import pytest

from tests.bench import machine


@pytest.mark.parametrize(
    ("release", "system"),
    [("6.1.0-27-amd64", "Linux 6.1"), ("6.18.44", "Linux 6.18"), ("unknown", "Linux")],
)
def test_the_system_is_named_without_the_build_of_the_machine(monkeypatch, release, system):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "release", lambda: release)

    assert machine.about([])["system"] == f"{system}, Python {platform.python_version()}"
