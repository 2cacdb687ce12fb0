"""The table of docs/settings.md is made from config.py; test_provision.py compares the page."""

from __future__ import annotations

import pytest

from app.cli.settings_table import (
    Setting,
    UndescribedSettingError,
    limits_by_variable,
    required_in_production,
    settings,
    settings_markdown,
)

SOURCE = """
def load(env):
    production = _choice(env, "MODE", "test", ("test", "production")) == "production"
    port = _number(env, "PORT", 80, 1, 65535)
    return {
        # How it runs.
        "PRODUCTION": production,
        "FIXED": 10,
        # Where it runs,
        # and for how long.
        "PORT": port,
        "TIME": timedelta(_number(env, "MINUTES", 5, 10 if production else 1, 60)),
        "OPTIONS": {
            # Connections.
            "pool": _flag(env, "POOL", default=production),
        },
        # A store.
        **_store(env),
    }


def _store(env):
    return {name: env.get(name) for name in ("STORE_URL", "STORE_KEY")}
"""
VARIABLES = ["MODE", "PORT", "MINUTES", "POOL", "STORE_KEY", "STORE_URL"]


def test_variables_are_listed_with_the_comment_above_their_entry():
    assert settings(SOURCE, VARIABLES) == [
        Setting(["MODE"], "How it runs."),
        Setting(["PORT", "MINUTES"], "Where it runs, and for how long."),
        Setting(["POOL"], "Connections."),
        Setting(["STORE_URL", "STORE_KEY"], "A store."),
    ]


def test_a_variable_without_a_comment_is_refused():
    with pytest.raises(UndescribedSettingError, match=r"Describe MODE in a comment above the entry"):
        settings(SOURCE.replace("# How it runs.", ""), VARIABLES)
    with pytest.raises(UndescribedSettingError, match=r"Describe OTHER in a comment above the entry"):
        settings(SOURCE, [*VARIABLES, "OTHER"])


def test_limits_are_those_of_the_code():
    assert limits_by_variable(SOURCE) == {
        "MODE": "test, production",
        "PORT": "1 to 65535",
        "MINUTES": "10 to 60; outside production 1 to 60",
        "POOL": "0, 1",
    }


def test_what_production_requires_is_found_by_starting_it(tmp_path):
    urls = {"DATABASE_URL", "REDIS_URL", "PORTAL_URL", "CUSTOMER_PORTAL_URL"}
    assert set(required_in_production(str(tmp_path))) == urls | {"SECRET_KEY"}


def test_defaults_that_differ_in_production_are_told_apart():
    page = settings_markdown()

    assert "| `SECRET_KEY` | **required in production** |" in page
    assert "| `PORTAL_URL` | **required in production**, otherwise `http://localhost:8080` |" in page
    assert "| `SINGLE_SIGN_ON_PRIVATE_PROVIDERS` | `0` in production, otherwise `1` | 0, 1 |" in page
    assert "| `AUDIT_HEADS_FILE` | `$PORTAL_INSTANCE/audit-heads.jsonl` |" in page
