"""Read the shell commands of a document, and the comments before them that say how they are run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

SHELLS = {"sh", "bash"}
"""The languages of fenced blocks that are run."""

_FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,})(?P<language>[\w+-]*)\s*$")
_COMMENT = re.compile(r"^\s*<!--\s*(?P<not_run>not )?run:\s*(?P<text>.*?)\s*-->\s*$")
_OPTIONS = {
    "background_until": re.compile(r'background until (?:"(?P<text>[^"]+)"|(?P<path>/\S*))$'),
    "prints": re.compile(r'prints "(?P<text>[^"]+)"$'),
    "values": re.compile(r'with "(?P<old>[^"]+)" as "(?P<new>[^"]*)"$'),
    "program": re.compile(r'where "(?P<name>[\w.-]+)" is installed$'),
    "production": re.compile(r"in production$"),
}
_LIST_ITEM = re.compile(r"\s*([-*+]|\d+\.) ")


class BlockError(Exception):
    """A document does not follow the convention; the message names its line."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a document.

    :ivar line: the number of its first line of code.
    :ivar reason: why it is not run; empty if it is run.
    :ivar background_until: the text of its output, or the path of the portal, that says that it is ready. If it is empty,
        the block is waited for.
    :ivar prints: texts that its output must contain.
    :ivar values: what is replaced in it, because readers insert a value of their own.
    :ivar program: a program without which it is not run.
    :ivar production: whether it is run in an installation as in production instead of the demonstration.
    """

    document: str
    line: int
    language: str
    code: str
    reason: str = ""
    background_until: str = ""
    prints: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    program: str = ""
    production: bool = False

    @property
    def is_shell(self) -> bool:
        """Whether it is run at all."""
        return self.language in SHELLS

    @property
    def title(self) -> str:
        """Its place and its first command."""
        commands = [line for line in self.code.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        return f"{self.document}:{self.line} {commands[0].strip() if commands else ''}"

    @property
    def commands(self) -> str:
        """The code with the values of this run."""
        code = self.code
        for old, new in self.values:
            code = code.replace(old, new)
        return code


@dataclass
class _Reader:
    """What has been read of a document."""

    document: str
    blocks: list[Block] = field(default_factory=list)
    pending: Block | None = None

    def take_comment(self, number: int, found: re.Match[str]) -> None:
        """Note what a comment says about the next block."""
        block = self.pending or Block(self.document, number, "", "")
        if found["not_run"]:
            if not found["text"]:
                raise BlockError(f"{self.document}:{number}: say why the block is not run.")
            self.pending = replace(block, reason=found["text"])
        else:
            self.pending = self._with_option(block, number, found["text"])

    def _with_option(self, block: Block, number: int, text: str) -> Block:
        for name, pattern in _OPTIONS.items():
            if option := pattern.match(text):
                match name:
                    case "background_until":
                        return replace(block, background_until=option["text"] or option["path"])
                    case "prints":
                        return replace(block, prints=(*block.prints, option["text"]))
                    case "values":
                        return replace(block, values=(*block.values, (option["old"], option["new"])))
                    case "program":
                        return replace(block, program=option["name"])
                    case _:
                        return replace(block, production=True)
        raise BlockError(f"{self.document}:{number}: {text!r} is unknown; CONTRIBUTING.md lists what can be said.")

    def take_block(self, number: int, language: str, code: list[str]) -> None:
        """Add a block, with what the comments before it said."""
        block = replace(
            self.pending or Block(self.document, 0, "", ""), line=number, language=language, code="\n".join(code) + "\n"
        )
        if self.pending and not block.is_shell:
            raise BlockError(f"{self.document}:{number}: a comment says how to run a block that is not marked as sh.")
        for old, _new in block.values:
            if old not in block.code:
                raise BlockError(f"{self.document}:{number}: the block does not contain {old!r}.")
        self.blocks.append(block)
        self.pending = None


def blocks(text: str, document: str) -> list[Block]:
    """Return the fenced blocks of a document.

    :param document: its path, for messages.
    :raises BlockError: a comment is unknown, or has no block below it; a block has no language or no end, or is only
        indented.
    """
    reader = _Reader(document)
    lines = iter(enumerate(text.splitlines(), 1))
    previous, in_comment = "", False
    for number, line in lines:
        if is_comment := in_comment or line.lstrip().startswith("<!--"):
            in_comment = "-->" not in line
        if comment := _COMMENT.match(line):
            reader.take_comment(number, comment)
        elif fence := _FENCE.match(line):
            if not fence["language"]:
                raise BlockError(f"{document}:{number}: name the language of the block.")
            reader.take_block(number + 1, fence["language"], _code(lines, fence, f"{document}:{number}"))
        elif line.strip() and reader.pending:
            raise BlockError(f"{document}:{number}: a comment says how to run a block, but there is none below it.")
        elif _is_indented_block(previous, line) and not is_comment:
            raise BlockError(f"{document}:{number}: put the block between ``` marks that name its language.")
        previous = line
    if reader.pending:
        raise BlockError(f"{document}: a comment at the end says how to run a block, but there is none.")
    return reader.blocks


def _is_indented_block(previous: str, line: str) -> bool:
    return not previous.strip() and line.startswith("    ") and not _LIST_ITEM.match(line)


def read(path: Path, root: Path) -> list[Block]:
    """Return the fenced blocks of a file, named by its path below ``root``; see ``blocks``."""
    return blocks(path.read_text(encoding="utf-8"), str(path.relative_to(root)))


def _code(lines: enumerate[str], fence: re.Match[str], place: str) -> list[str]:
    code = []
    for _number, line in lines:
        if line.strip() == fence["marks"]:
            return code
        code.append(line.removeprefix(fence["indent"]))
    raise BlockError(f"{place}: the block does not end.")
