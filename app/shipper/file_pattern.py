"""The files that ``--file`` names: one path, or a pattern of names.

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

# What rotation makes of a name: eve.json.1, eve.json.2.gz. A date stays, since Suricata may have written it.
_COMPRESSION = re.compile(r"\.(?:gz|bz2|xz)$")
_ROTATION_NUMBER = re.compile(r"(\.[A-Za-z]\w*)\.\d{1,3}$", re.ASCII)


class FilePattern:
    """One value of ``--file``.

    :param text: a path or a pattern. What is the name of a file stands for that file, whatever characters it has.
    :ivar path: the path, if it is one; None for a pattern.
    :raises ValueError: the pattern has a directive that is not supported; the text names it.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        is_pattern = not Path(text).exists() and (glob.has_magic(text) or _DIRECTIVE.search(text))
        self.path = None if is_pattern else Path(text)
        self._glob = _DIRECTIVE.sub(_digits, text) if is_pattern else ""

    def __str__(self) -> str:
        return self._text

    def paths(self) -> list[Path]:
        """Return the files that exist now, in the order of the numbers in their names."""
        if self.path is not None:
            return [self.path] if self.path.exists() else []
        found = (Path(name) for name in glob.glob(self._glob))  # noqa: PTH207  (Path.glob takes no absolute pattern)
        return sorted((path for path in found if not path.is_dir()), key=natural_order)


def existing_files(patterns: Iterable[FilePattern]) -> list[Path]:
    """Return the files that patterns name now, each once: a symbolic link to another of them is left out."""
    files: dict[tuple[int, int], Path] = {}
    for pattern in patterns:
        for path in pattern.paths():
            with suppress(FileNotFoundError):  # removed in between, or a symbolic link to nothing
                stat = path.stat()
                known = files.get((stat.st_dev, stat.st_ino))
                if known is None or (known.is_symlink() and not path.is_symlink()):
                    files[stat.st_dev, stat.st_ino] = path
    return list(files.values())


def log_of(path: Path) -> Path:
    """Return the name that a file had before rotation numbered or compressed it."""
    name = _COMPRESSION.sub("", path.name)
    return path.with_name(_ROTATION_NUMBER.sub(r"\1", name))


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a sort key with which 2 comes before 10."""
    # Text and numbers take turns.
    return [(int(part), "") if odd % 2 else (0, part) for odd, part in enumerate(_NUMBER.split(str(path)))]


def _digits(found: re.Match[str]) -> str:
    try:
        return _DIRECTIVES[found[1]]
    except KeyError:
        known = " ".join(f"%{letter}" for letter in _DIRECTIVES)
        raise ValueError(f"{found[0]} is not supported in a pattern of file names, only {known}") from None
