from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import config

ROOT = Path(__file__).parents[1]
PRODUCTION = {
    "PORTAL_ENV": "production",
    "SECRET_KEY": "x" * 32,
    "DATABASE_URL": "postgresql+psycopg://portal_app@db/portal",
    "REDIS_URL": "redis://redis/0",
    "PORTAL_URL": "https://portal.example.jp/",
    "CUSTOMER_PORTAL_URL": "https://customer.example.jp/",
}


def test_a_command_in_a_second_terminal_finds_the_servers_of_its_folder(tmp_path):
    first = config.load({"PORTAL_INSTANCE": str(tmp_path)})
    second = config.load({"PORTAL_INSTANCE": str(tmp_path)})

    assert first["SQLALCHEMY_DATABASE_URI"].startswith("postgresql+psycopg://portal_app@/portal?host=/tmp/portal-")
    assert first["SQLALCHEMY_DATABASE_URI"] == second["SQLALCHEMY_DATABASE_URI"]
    assert first["SECRET_KEY"] == second["SECRET_KEY"]


def test_the_shippers_commands_need_no_portal_on_the_machine(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "utm", "ship", "--help"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PORTAL_INSTANCE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (answer.returncode, "--shift-to" in answer.stdout) == (0, True), answer.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "PORTAL_URL", "CUSTOMER_PORTAL_URL"])
def test_production_needs_what_it_needs(tmp_path, missing):
    env = {key: value for key, value in PRODUCTION.items() if key != missing} | {"PORTAL_INSTANCE": str(tmp_path)}

    # A line of an env file that was not filled in sets it to nothing.
    for given in (env, env | {missing: ""}):
        with pytest.raises(config.SettingError, match=f"^{missing} must be set when PORTAL_ENV=production"):
            config.load(given)


def test_links_in_emails_lead_to_the_urls_of_the_settings(tmp_path):
    def urls(env):
        loaded = config.load(env | {"PORTAL_INSTANCE": str(tmp_path)})
        return loaded["PORTAL_URL"], loaded["CUSTOMER_PORTAL_URL"]

    assert urls(PRODUCTION) == ("https://portal.example.jp", "https://customer.example.jp")
    assert urls({"PORTAL_PORT": "9090"}) == ("http://localhost:9090", "https://customer.example.jp")


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"PORTAL_DEMO": "1"}, "PORTAL_DEMO=1 is refused when PORTAL_ENV=production"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must have 32 characters or more"),
    ],
)
def test_production_refuses_what_is_unsafe(tmp_path, env, told):
    with pytest.raises(config.SettingError, match=told):
        config.load(PRODUCTION | {"PORTAL_INSTANCE": str(tmp_path)} | env)


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"PORTAL_PORT": "x"}, "PORTAL_PORT must be a whole number"),
        ({"PORTAL_PORT": "0"}, "PORTAL_PORT must be from 1 to 65535"),
        ({"PORTAL_DEMO": "maybe"}, "PORTAL_DEMO must be 0 or 1"),
        (
            {"TICKET_FILES_S3_URL": "https://s3.example.jp", "TICKET_FILES_S3_BUCKET": "files"},
            "TICKET_FILES_S3_ACCESS_KEY and TICKET_FILES_S3_SECRET_KEY must be set too",
        ),
        (
            {f"TICKET_FILES_S3_{name}": "s3" for name in ("URL", "BUCKET", "ACCESS_KEY", "SECRET_KEY")},
            "TICKET_FILES_S3_URL must be the URL of a server",
        ),
        ({"PORTAL_ENV": "test"}, "PORTAL_ENV must be one of development, production"),
        ({"BOUNCE_MAILBOX": "imaps://imap.example.jp/INBOX"}, "BOUNCE_MAILBOX must be maildir:/path or imaps://"),
        ({"BOUNCE_MAILBOX": "imaps://a:b@imap.example.jp:x"}, "BOUNCE_MAILBOX must be maildir:/path or imaps://"),
        ({"BOUNCE_MAILBOX": "maildir:folder"}, "BOUNCE_MAILBOX must be maildir:/path or imaps://"),
        ({"BOUNCE_MAILBOX": "/var/mail"}, "BOUNCE_MAILBOX must be maildir:/path or imaps://"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_clear_line(tmp_path, env, told):
    with pytest.raises(config.SettingError, match=told):
        config.load({"PORTAL_INSTANCE": str(tmp_path)} | env)


def test_secure_cookies_come_with_https_and_with_production(tmp_path):
    base = {"PORTAL_INSTANCE": str(tmp_path)}

    def cookie(env):
        loaded = config.load(env)
        return loaded["SESSION_COOKIE_NAME"], loaded["SESSION_COOKIE_SECURE"]

    assert cookie(base) == ("portal_session", False)
    assert cookie(base | {"PORTAL_URL": "https://portal.example.jp"}) == ("__Host-portal_session", True)
    assert cookie(PRODUCTION | base) == ("__Host-portal_session", True)


def test_necs_roles_must_have_a_second_factor_in_production_unless_it_is_switched_off(tmp_path):
    base = {"PORTAL_INSTANCE": str(tmp_path)}
    found = [
        config.load(base | env)["NEC_SECOND_FACTOR"]
        for env in ({}, PRODUCTION, PRODUCTION | {"NEC_SECOND_FACTOR": "0"}, {"NEC_SECOND_FACTOR": "1"})
    ]

    assert found == [False, True, False, True]


def test_connections_have_limits_and_prepare_statements_unless_a_pooler_does_not_know_them(tmp_path):
    env = {"PORTAL_INSTANCE": str(tmp_path)}
    usual = config.load(env)["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]
    pooled = config.load(env | {"DATABASE_PREPARED_STATEMENTS": "0"})["SQLALCHEMY_ENGINE_OPTIONS"]["connect_args"]

    assert usual["options"] == (
        "-c statement_timeout=30s -c idle_in_transaction_session_timeout=300s -c random_page_cost=1.1"
    )
    assert "prepare_threshold" not in usual
    assert pooled == usual | {"prepare_threshold": None}


def test_there_is_no_replica_unless_its_url_is_set(tmp_path):
    env = {"PORTAL_INSTANCE": str(tmp_path)}

    assert config.load(env)["READ_DATABASE_URL"] == ""
    assert config.load(env | {"READ_DATABASE_URL": "postgresql+psycopg://r/portal"})["READ_DATABASE_MAX_LAG"] == 300
    with pytest.raises(config.SettingError, match="READ_DATABASE_MAX_LAG must be from 90"):
        config.load(env | {"READ_DATABASE_MAX_LAG": "10"})
