"""The Chromium of this machine."""

from __future__ import annotations

import shutil

NAMES = ("chromium-headless-shell", "chromium", "google-chrome", "chromium-browser")
"""The fastest first: the same engine without windows."""

NONE = "there is no Chromium on this machine (Debian: apt-get install chromium-headless-shell fonts-noto-cjk)"


def find_chromium() -> str | None:
    """Return the path of the fastest Chromium, None if there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)
