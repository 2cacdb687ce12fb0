"""Reads the Dockerfile, and what of the repository it puts into the image."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Step(NamedTuple):
    """An instruction, such as COPY, and what follows it."""

    name: str
    text: str


def stages(source: str) -> list[list[Step]]:
    """Return the instructions of each stage; those before the first FROM are left out."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith("#")]
    found: list[list[Step]] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, text = line.strip().partition(" ")
        if name == "FROM":
            found.append([])
        if name and found:
            found[-1].append(Step(name, text.strip()))
    return found


def copies(steps: list[Step]) -> list[tuple[list[str], str]]:
    """Return the sources and the destination of each COPY from the repository."""
    split = [shlex.split(step.text) for step in steps if step.name == "COPY"]
    return [(words[:-1], words[-1]) for words in split if not words[0].startswith("--")]


def command(steps: list[Step], name: str) -> list[str]:
    """Return the program and arguments of CMD, or of the CMD of HEALTHCHECK, in their JSON form."""
    (text,) = (step.text for step in steps if step.name == name)
    return json.loads(text[text.index("[") :])


def lay_out(steps: list[Step], folder: Path) -> None:
    """Copy into a folder what a stage copies from the repository into its WORKDIR, as Docker does."""
    for sources, destination in copies(steps):
        for source in sources:
            origin = ROOT / source
            if origin.is_dir():
                # The content of a folder, not the folder. With its bytecode, which the image makes anew.
                shutil.copytree(origin, folder / destination, dirs_exist_ok=True)
            else:
                shutil.copy2(origin, folder / destination)
