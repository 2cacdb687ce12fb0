"""The file with the tokens of the demo UTMs, for `flask utm ship --utm` and `flask utm simulate`."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

NAME = "demo-tokens.json"


def write(folder: Path, tokens: dict[str, str]) -> Path:
    """Write the tokens atomically, readable only by the current user.

    :param folder: the instance folder.
    :param tokens: the tokens by UTM ID.
    :returns: the path of the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    handle, temporary = tempfile.mkstemp(prefix=f".{NAME}.", dir=folder)  # made with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(tokens, file, indent=1, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def exists(folder: Path) -> bool:
    """Whether the file exists."""
    return (folder / NAME).exists()


def forget(folder: Path) -> None:
    """Delete the file."""
    (folder / NAME).unlink(missing_ok=True)
