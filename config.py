"""All settings of the portal: their environment variables, defaults and meaning.

``load()`` turns an environment into the mapping that ``create_app()`` puts into ``app.config``.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class SettingError(Exception):
    """A setting is missing or invalid; the message is one line for the person who starts the portal."""


def load(env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read all settings.

    :param env: the environment to read, ``os.environ`` by default.
    :raises SettingError: a value is invalid, or one that production requires is missing.
    """
    env = os.environ if env is None else env
    production = _choice(env, "PORTAL_ENV", "development", ("development", "production")) == "production"
    demo = _flag(env, "PORTAL_DEMO", default=False)
    if production and demo:
        raise SettingError(
            "PORTAL_DEMO=1 is refused when PORTAL_ENV=production: the demo accounts have a known password."
        )
    instance = Path(env.get("PORTAL_INSTANCE", ROOT / "instance")).absolute()
    port = _number(env, "PORTAL_PORT", 8080, 1, 65535)
    database_url, owner_url, redis_url = _service_urls(env, instance, production=production)
    portal_url = _required(env, "PORTAL_URL", f"http://localhost:{port}", production=production).rstrip("/")
    customer_url = _required(env, "CUSTOMER_PORTAL_URL", "https://customer.example.jp", production=production)
    secure = production or portal_url.startswith("https://")
    connect_timeout = _number(env, "DATABASE_CONNECT_TIMEOUT", 3, 2, 60)
    statement_timeout = _number(env, "DATABASE_STATEMENT_TIMEOUT", 30, 1, 600)
    prepares = _flag(env, "DATABASE_PREPARED_STATEMENTS", default=True)
    # A lost client must not hold locks, a runaway statement must not hold a worker.
    # The planner's default assumes a spinning disk, so that for a list it scans a whole month instead of fifty entries of
    # the index.
    session_settings = {
        "statement_timeout": f"{statement_timeout}s",
        "idle_in_transaction_session_timeout": "300s",
        "random_page_cost": "1.1",
    }

    return {
        # In production, the demo is refused, the settings marked below are required, and cookies are Secure.
        "PRODUCTION": production,
        # Allows creating demo accounts and data, and shows the accounts on the sign-in page.
        "PORTAL_DEMO": demo,
        # The folder for all local data: embedded database and Redis, secret key, state of the shipper.
        "PORTAL_INSTANCE": instance,
        # The port of the portal that `make run` starts.
        "PORTAL_PORT": port,
        # The base URL for links in emails to partners. With https, cookies are Secure. Passkeys work only there, and need https
        # and a name, or localhost.
        "PORTAL_URL": portal_url,
        # The base URL for links in emails to customers.
        "CUSTOMER_PORTAL_URL": customer_url.rstrip("/"),
        # The email address for questions, shown to users.
        "SUPPORT_EMAIL": env.get("SUPPORT_EMAIL", "support@example.jp"),
        # Signs session cookies and encrypts the secrets of second factors: 32 characters or more, the same on every host. Outside
        # production, it is generated and stored in the instance folder.
        "SECRET_KEY": _secret_key(env, instance, production=production),
        # Earlier secret keys, separated by blanks, whose sessions, links and encrypted secrets are still accepted
        # (docs/cryptography.md). Only while SECRET_KEY is being replaced.
        "SECRET_KEY_FALLBACKS": env.get("SECRET_KEY_FALLBACKS", "").split(),
        # The file to which the worker adds the signed state of the audit log every day, for `flask portal audit verify`. Best on
        # a machine other than the database's.
        "AUDIT_HEADS_FILE": env.get("AUDIT_HEADS_FILE", str(instance / "audit-heads.jsonl")),
        # The database as the app's role, which owns nothing and is subject to row-level security:
        # postgresql+psycopg://portal_app:password@host/portal. Outside production, it is that of `make run` if not given.
        "SQLALCHEMY_DATABASE_URI": database_url,
        # The same database as the owner of the tables, used only by `flask portal upgrade`, which requires it.
        "DATABASE_OWNER_URL": owner_url,
        # A streaming replica of the database, as the app's role, for screens that only read (docs/replica-and-pooler.md).
        "READ_DATABASE_URL": env.get("READ_DATABASE_URL", ""),
        # The age in seconds of the last transaction that the replica has replayed, above which it is not used. A working
        # portal writes something every minute.
        "READ_DATABASE_MAX_LAG": _number(env, "READ_DATABASE_MAX_LAG", 300, 90, 86_400),
        # The database of the alerts as the app's role, if they have one of their own (docs/scaling.md).
        "ALERT_DATABASE_URL": env.get("ALERT_DATABASE_URL", ""),
        # The same database as the owner of its tables, used only by `flask portal upgrade`.
        "ALERT_DATABASE_OWNER_URL": env.get("ALERT_DATABASE_OWNER_URL", ""),
        # Seconds a database may take to take a connection, and to answer a statement.
        "DATABASE_CONNECT_TIMEOUT": connect_timeout,
        "DATABASE_STATEMENT_TIMEOUT": statement_timeout,
        # Whether statements are prepared on the server. 0 for poolers that hand on connections but know no prepared statements,
        # such as PgBouncer before 1.21.
        "DATABASE_PREPARED_STATEMENTS": prepares,
        # The settings of every connection. `flask portal upgrade` also makes them the defaults of the app's role, for
        # connections through a pooler, which ignores those of its clients (docs/replica-and-pooler.md).
        "DATABASE_SESSION_SETTINGS": session_settings,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            # Statement parameters contain personal data, which errors must not carry into a log.
            "hide_parameters": True,
            # IP addresses as strings: they are only displayed.
            "native_inet_types": False,
            # Connections to the database that each process keeps.
            "pool_size": _number(env, "DATABASE_POOL_SIZE", 5, 1, 100),
            # Seconds a request waits for a connection while others have them all.
            "pool_timeout": _number(env, "DATABASE_POOL_TIMEOUT", 5, 1, 60),
            # After the database was restarted, a connection of the pool is replaced instead of failing a request.
            "pool_pre_ping": True,
            "connect_args": {
                "application_name": "portal",
                "connect_timeout": connect_timeout,
                "options": " ".join(f"-c {name}={value}" for name, value in session_settings.items()),
                **({} if prepares else {"prepare_threshold": None}),
            },
        },
        # Redis, for RQ's queues and the rate limits: redis://host/0. Outside production, it is that of `make run` if not given.
        "REDIS_URL": redis_url,
        # The same URL in the notation of the rate limiter's library, which differs for Unix sockets.
        "RATELIMIT_STORAGE_URI": re.sub("^unix://", "redis+unix://", redis_url),
        "RATELIMIT_HEADERS_ENABLED": False,
        # When Redis is unavailable, each process counts for itself, so that nobody is locked out.
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        # Of requests that notice at the same moment that Redis is gone, Flask-Limiter lets one begin the fallback and fails the others.
        "RATELIMIT_SWALLOW_ERRORS": True,
        # Sign-in attempts per IP address.
        "SIGN_IN_RATE_LIMIT": env.get("SIGN_IN_RATE_LIMIT", "30 per minute;300 per hour"),
        # Requests for an email because of a forgotten password, per IP address, and per address typed from all IP addresses.
        "FORGOTTEN_PASSWORD_RATE_LIMIT": env.get("FORGOTTEN_PASSWORD_RATE_LIMIT", "20 per hour;60 per day"),
        "FORGOTTEN_PASSWORD_ADDRESS_RATE_LIMIT": env.get(
            "FORGOTTEN_PASSWORD_ADDRESS_RATE_LIMIT", "3 per hour;10 per day"
        ),
        # Pages of single sign-on, and returns from providers, per IP address.
        "SINGLE_SIGN_ON_RATE_LIMIT": env.get("SINGLE_SIGN_ON_RATE_LIMIT", "60 per minute;600 per hour"),
        # Whether the OpenID providers of tenants may have private addresses, such as a Keycloak inside.
        "SINGLE_SIGN_ON_PRIVATE_PROVIDERS": _flag(env, "SINGLE_SIGN_ON_PRIVATE_PROVIDERS", default=not production),
        # Certificates of the authorities that may sign those of the providers; those of the package certifi when not given.
        "SINGLE_SIGN_ON_CA_FILE": _certificates(env, "SINGLE_SIGN_ON_CA_FILE"),
        # Requests for pages behind mailed links, per IP address.
        "LINK_RATE_LIMIT": env.get("LINK_RATE_LIMIT", "60 per minute;600 per hour"),
        # Views of the public application forms, and of their styles and logos, per IP address.
        "APPLICATION_PAGE_RATE_LIMIT": env.get("APPLICATION_PAGE_RATE_LIMIT", "60 per minute;600 per hour"),
        # Public application forms that are sent, per IP address: each step, and each row that is added or removed, is one.
        "APPLICATION_FORM_RATE_LIMIT": env.get("APPLICATION_FORM_RATE_LIMIT", "60 per minute;600 per hour"),
        # Forms sent from a customer's UTM application form, per form, from all IP addresses together.
        "UTM_FORM_RATE_LIMIT": env.get("UTM_FORM_RATE_LIMIT", "60 per hour;200 per day"),
        # Searches from the header, per user; each pause while typing is one.
        "SEARCH_RATE_LIMIT": env.get("SEARCH_RATE_LIMIT", "240 per minute"),
        # Forms sent to create a ticket or to reply to one, per user: each step is one.
        "TICKET_RATE_LIMIT": env.get("TICKET_RATE_LIMIT", "60 per hour;300 per day"),
        # Device API calls per token.
        "DEVICE_RATE_LIMIT": env.get("DEVICE_RATE_LIMIT", "600 per minute"),
        # Customer API calls per token.
        "CUSTOMER_API_RATE_LIMIT": env.get("CUSTOMER_API_RATE_LIMIT", "600 per minute"),
        # API calls without a valid token, per IP address.
        "UNKNOWN_TOKEN_RATE_LIMIT": env.get("UNKNOWN_TOKEN_RATE_LIMIT", "60 per minute;600 per hour"),
        # The number of consecutive wrong passwords that locks an account, and for how long (§3.1).
        "LOCK_AFTER_FAILURES": 10,
        "LOCK_FOR": timedelta(hours=1),
        # Whether NEC Staff and NEC Admin must have a second factor, and may sign in with a passkey instead of the password.
        # For other users, their tenants decide (docs/adr/0020-second-factor.md).
        "NEC_SECOND_FACTOR": _flag(env, "NEC_SECOND_FACTOR", default=production),
        "NEC_PASSKEY_SIGN_IN": _flag(env, "NEC_PASSKEY_SIGN_IN", default=True),
        # The costs of a password's Argon2id hash: memory in KiB, which each concurrent sign-in takes, and passes over it.
        # The defaults are the minimum that OWASP recommends, and production accepts no lower ones. A change takes effect
        # for each user at the next sign-in.
        "PASSWORD_HASH_MEMORY_KIB": _number(
            env, "PASSWORD_HASH_MEMORY_KIB", 19_456, 19_456 if production else 8, 1_048_576
        ),
        "PASSWORD_HASH_PASSES": _number(env, "PASSWORD_HASH_PASSES", 2, 2 if production else 1, 20),
        # A UTM that was seen within this time is オンライン.
        "UTM_ONLINE_FOR": timedelta(minutes=_number(env, "UTM_ONLINE_MINUTES", 10, 1, 1440)),
        # How long a planned reboot waits for a UTM that is not online when it is due; then it has failed.
        "UTM_REBOOT_WAITS_FOR": timedelta(minutes=_number(env, "UTM_REBOOT_WAIT_MINUTES", 60, 0, 1440)),
        # The interval between heartbeats that UTMs are told to use, in seconds.
        "HEARTBEAT_SECONDS": _number(env, "HEARTBEAT_SECONDS", 60, 5, 3600),
        # Alerts older than this number of months are rejected and dropped.
        "ALERT_RETENTION_MONTHS": _number(env, "ALERT_RETENTION_MONTHS", 13, 1, 120),
        # The number of reverse proxies in front of the portal, whose X-Forwarded-* headers are trusted.
        "PROXY_COUNT": _number(env, "PROXY_COUNT", 0, 0, 5),
        # The networks whose clients may read /metrics, as app/web/proxy.py determines their addresses (docs/monitoring.md).
        "METRICS_NETWORKS": _networks(env, "METRICS_NETWORKS", "127.0.0.0/8,::1/128"),
        # The folder in which the processes of the web server count for /metrics; by default in the instance folder.
        "METRICS_FOLDER": metrics_folder(env),
        # Whether requests and jobs are traced, which needs the packages of requirements-tracing.txt; 1 if there is a collector.
        "TRACING": _flag(env, "TRACING", default=bool(env.get("OTEL_EXPORTER_OTLP_ENDPOINT"))),
        # The base URL of the OpenTelemetry collector that receives the traces, by OTLP over HTTP.
        "OTEL_EXPORTER_OTLP_ENDPOINT": _collector(env, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        # The mail server, by default the one of the host; user name, password and TLS (STARTTLS) if it requires them.
        "MAIL_SERVER": env.get("MAIL_SERVER", "127.0.0.1"),
        "MAIL_PORT": _number(env, "MAIL_PORT", 25, 1, 65535),
        "MAIL_USERNAME": env.get("MAIL_USERNAME"),
        "MAIL_PASSWORD": env.get("MAIL_PASSWORD"),
        "MAIL_USE_TLS": _flag(env, "MAIL_USE_TLS", default=False),
        # Certificates of the authorities that may sign the mail server's; those of the system when not given.
        "MAIL_CA_FILE": _certificates(env, "MAIL_CA_FILE"),
        # The sender of all emails.
        "MAIL_DEFAULT_SENDER": env.get("MAIL_DEFAULT_SENDER", "no-reply@example.jp"),
        # The sender for mail servers, to which they return undeliverable mail; the address above if it is empty.
        "BOUNCE_ADDRESS": env.get("BOUNCE_ADDRESS", ""),
        # The mailbox of that address, which is read and emptied every five minutes: maildir:/path, imaps://user:password@host/INBOX,
        # imap+starttls://... or imap://... without encryption; special characters are percent-encoded. Empty for none.
        "BOUNCE_MAILBOX": _mailbox(env, "BOUNCE_MAILBOX"),
        # How SMS are sent: "log" sends none, and logs the kind and the last four digits of the number.
        "SMS_BACKEND": _choice(env, "SMS_BACKEND", "log", ("log",)),
        # An S3-compatible store for the files of tickets: its URL, the bucket, the keys (all four or none of them) and the region.
        # Without it, they are stored in the database.
        **_file_store(env),
        # When sessions end: after the last use, and after the sign-in however much they are used.
        "SESSION_IDLE_TIMEOUT": timedelta(minutes=_number(env, "SESSION_IDLE_MINUTES", 60, 10, 1440)),
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=_number(env, "SESSION_HOURS", 12, 1, 168)),
        # The session cookie (docs/adr/0011-sessions.md).
        # With the prefix, browsers take the cookie only over https and from this host, so no other host can plant one.
        "SESSION_COOKIE_NAME": "__Host-portal_session" if secure else "portal_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        # Sent only with a response that changes it. Otherwise a slow response to an earlier request would restore the state
        # from before, such as the tenant. It lasts as long as the session from the sign-in on.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "WTF_CSRF_TIME_LIMIT": None,
        # The limit for forms and request bodies. The device API has its own, smaller one, and the forms that take the
        # files of tickets their own, larger one (app/web/access.py).
        "MAX_CONTENT_LENGTH": 16 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 1024 * 1024,
        # Messages in the code are English. Japanese is the default and fully translated.
        "BABEL_DEFAULT_LOCALE": "ja",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
        "BABEL_DEFAULT_TIMEZONE": "Asia/Tokyo",
        "LANGUAGES": {"ja": {"flag": "jp", "name": "日本語"}, "en": {"flag": "us", "name": "English"}},
        "MIGRATIONS": ROOT / "migrations",
        "ALERT_MIGRATIONS": ROOT / "migrations" / "alerts",
        "RATELIMIT_ENABLED": True,
        # Disable what Flask-AppBuilder would do automatically (docs/adr/0003-appbuilder-as-a-toolbox.md).
        "FAB_CREATE_DB": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_ADD_OPENAPI_VIEWS": False,
        "FAB_ADD_MENU_API": False,
        "AUTH_TYPE": 1,
        "AUTH_USER_REGISTRATION": False,
        "AUTH_ROLE_ADMIN": "NEC Admin",
        "AUTH_ROLE_PUBLIC": "Public",
        "AUTH_RATE_LIMITED": False,
    }


def _flag(env: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = env.get(name, "1" if default else "0").strip().lower()
    if value not in {"0", "1", "true", "false", "yes", "no", ""}:
        raise SettingError(f"{name} must be 0 or 1, not {value!r}.")
    return value in {"1", "true", "yes"}


def _choice(env: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = env.get(name, default)
    if value not in allowed:
        raise SettingError(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    value = env.get(name, str(default))
    try:
        number = int(value)
    except ValueError:
        raise SettingError(f"{name} must be a whole number, not {value!r}.") from None
    if not low <= number <= high:
        raise SettingError(f"{name} must be from {low} to {high}, not {number}.")
    return number


def metrics_folder(env: Mapping[str, str]) -> Path:
    """Return the folder in which the processes of the web server count for /metrics (gunicorn.conf.py)."""
    return Path(env.get("METRICS_FOLDER") or Path(env.get("PORTAL_INSTANCE", ROOT / "instance")) / "metrics").absolute()


def _networks(env: Mapping[str, str], name: str, default: str) -> tuple[Network, ...]:
    words = [each.strip() for each in env.get(name, default).split(",")]
    try:
        return tuple(ipaddress.ip_network(each) for each in words if each)
    except ValueError:
        raise SettingError(f"{name} must be networks such as 10.0.0.0/8, separated by commas.") from None


def _collector(env: Mapping[str, str], name: str) -> str:
    value = env.get(name) or "http://localhost:4318"
    if not re.fullmatch(r"https?://[^?#\s]+", value):
        raise SettingError(f"{name} must be a URL such as http://collector:4318.")
    return value.rstrip("/")


def _mailbox(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        return ""
    expected = f"{name} must be maildir:/path or imaps://user:password@host/folder."
    try:
        parts = urlsplit(value)
        complete = parts.path.startswith("/") if parts.scheme == "maildir" else parts.hostname and parts.username
        _ = parts.port
    except ValueError:
        # The value is left out, because it contains a password.
        raise SettingError(expected) from None
    if parts.scheme not in {"maildir", "imaps", "imap+starttls", "imap"} or not complete:
        raise SettingError(expected)
    return value


def _certificates(env: Mapping[str, str], name: str) -> str | None:
    path = env.get(name) or None
    if path is not None:
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            raise SettingError(
                f"{name} must be a file of certificates in PEM format: {error.strerror or error}."
            ) from None
    return path


def _file_store(env: Mapping[str, str]) -> dict[str, str | None]:
    """Return the settings of the object store for the files of tickets; all of them are needed if one is set."""
    names = [
        *("TICKET_FILES_S3_URL", "TICKET_FILES_S3_BUCKET"),
        *("TICKET_FILES_S3_ACCESS_KEY", "TICKET_FILES_S3_SECRET_KEY"),
    ]
    given = {name: env.get(name) or None for name in names}
    if missing := [name for name, value in given.items() if value is None]:
        if len(missing) < len(names):
            raise SettingError(f"{' and '.join(missing)} must be set too.")
    elif not re.fullmatch(r"https?://[^/?#\s]+", given[names[0]] or ""):
        raise SettingError(f"{names[0]} must be the URL of a server, such as https://s3.example.jp.")
    return given | {"TICKET_FILES_S3_REGION": env.get("TICKET_FILES_S3_REGION", "us-east-1")}


def _required(env: Mapping[str, str], name: str, default: str = "", *, production: bool) -> str:
    value = env.get(name, "" if production else default)
    if production and not value:
        raise SettingError(f"{name} must be set when PORTAL_ENV=production.")
    return value or default


def _service_urls(env: Mapping[str, str], instance: Path, *, production: bool) -> tuple[str, str, str]:
    """Return the URLs of the database, of the database for its owner, and of Redis.

    Missing ones default to the servers that ``python app.py`` runs for this instance folder, so that commands in a
    second terminal find them.
    """
    if production or (env.get("DATABASE_URL") and env.get("REDIS_URL")):
        return (
            _required(env, "DATABASE_URL", production=production),
            env.get("DATABASE_OWNER_URL", ""),
            _required(env, "REDIS_URL", production=production),
        )
    from app.local.embedded import EmbeddedPostgres, EmbeddedRedis

    postgres = EmbeddedPostgres(instance / "postgres")
    redis = EmbeddedRedis(instance / "redis")
    if env.get("DATABASE_URL"):
        return env["DATABASE_URL"], env.get("DATABASE_OWNER_URL", ""), redis.url()
    owner_url = postgres.url("portal_owner", "portal")
    return postgres.url("portal_app", "portal"), owner_url, env.get("REDIS_URL") or redis.url()


def _secret_key(env: Mapping[str, str], instance: Path, *, production: bool) -> str:
    if value := env.get("SECRET_KEY"):
        if production and len(value) < 32:
            raise SettingError("SECRET_KEY must have 32 characters or more when PORTAL_ENV=production.")
        return value
    if production:
        raise SettingError("SECRET_KEY must be set when PORTAL_ENV=production.")
    path = instance / "secret-key"
    try:
        instance.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(48))
        return path.read_text().strip()
    except OSError as error:
        raise SettingError(f"The data folder {instance} cannot be written: {error.strerror}.") from None


def _write_once(path: Path, text: str) -> None:
    """Create a file atomically. If another process was first, its file is kept."""
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
        file.write(text)
    try:
        with suppress(FileExistsError):
            os.link(file.name, path)
    finally:
        Path(file.name).unlink()
