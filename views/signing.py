"""The keys for signatures on what browsers send back: URLs, and the one-time keys of forms."""

from __future__ import annotations

from flask import current_app


def signing_keys() -> list[str]:
    """Return the keys in the order of itsdangerous: the last one signs, and all of them are accepted."""
    return [*current_app.config["SECRET_KEY_FALLBACKS"], current_app.config["SECRET_KEY"]]
