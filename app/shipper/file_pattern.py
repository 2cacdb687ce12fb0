"""The files of a value of ``--file``: a path, or a pattern of file names.

Suricata can put a date in the name of its log (``eve-%Y-%m-%d.json``) and write one file for each thread (``eve.1.json``, ``eve.2.json``).
So a value may have the directives of strftime(3) that stand for digits, and the wildcards ``*``, ``?`` and ``[...]`` of a shell.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TWO, _THREE, _FOUR = "[0-9]" * 2, "[0-9]" * 3, "[0-9]" * 4
_DIRECTIVES = {
    "Y": _FOUR,
    "F": f"{_FOUR}-{_TWO}-{_TWO}",
    "j": _THREE,
    "s": "[0-9]*",
    "%": "%",
} | dict.fromkeys("ymdHMS", _TWO)
_DIRECTIVE = re.compile(r"%([A-Za-z%])")
_NUMBER = re.compile(r"(\d+)")

# Suffixes of rotated files, as in eve.json.1 and eve.json.2.gz. A date is not removed, since Suricata may have written it.
_COMPRESSION = re.compile(r"\.(?:gz|bz2|xz)$")
_ROTATION_NUMBER = re.compile(r"(\.[A-Za-z]\w*)\.\d{1,3}$", re.ASCII)


class FilePattern:
    """One value of ``--file``.

    :param text: a path or a pattern. If a file of exactly this name exists, it is a path.
    :ivar path: the path; None for a pattern.
    :raises ValueError: the pattern has an unsupported directive.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        is_pattern = not Path(text).exists() and (glob.has_magic(text) or _DIRECTIVE.search(text))
        self.path = None if is_pattern else Path(text)
        self._glob = _DIRECTIVE.sub(_digits, text) if is_pattern else ""

    def __str__(self) -> str:
        return self._text

    def paths(self) -> list[Path]:
        """Return the existing files, sorted in natural order."""
        if self.path is not None:
            return [self.path] if self.path.exists() else []
        found = (Path(name) for name in glob.glob(self._glob))  # noqa: PTH207  (Path.glob takes no absolute pattern)
        return sorted((path for path in found if not path.is_dir()), key=natural_sort_key)


def existing_files(patterns: Iterable[FilePattern]) -> list[Path]:
    """Return the existing files of several patterns, each once, and without symbolic links to others of them."""
    files: dict[tuple[int, int], Path] = {}
    for pattern in patterns:
        for path in pattern.paths():
            with suppress(FileNotFoundError):  # just removed, or a broken symbolic link
                stat = path.stat()
                known = files.get((stat.st_dev, stat.st_ino))
                if known is None or (known.is_symlink() and not path.is_symlink()):
                    files[stat.st_dev, stat.st_ino] = path
    return list(files.values())


def base_log_path(path: Path) -> Path:
    """Return the path without the rotation number and the suffix of compression."""
    name = _COMPRESSION.sub("", path.name)
    return path.with_name(_ROTATION_NUMBER.sub(r"\1", name))


def natural_sort_key(path: Path) -> list[tuple[int, str]]:
    """Return a sort key with which 2 comes before 10."""
    # Text and numbers alternate.
    return [(int(part), "") if odd % 2 else (0, part) for odd, part in enumerate(_NUMBER.split(str(path)))]


def _digits(found: re.Match[str]) -> str:
    try:
        return _DIRECTIVES[found[1]]
    except KeyError:
        known = " ".join(f"%{letter}" for letter in _DIRECTIVES)
        raise ValueError(f"{found[0]} is not supported in a pattern of file names, only {known}") from None
