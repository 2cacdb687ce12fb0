"""``make load`` and ``make chaos``: the whole portal under load, and while its processes are killed; 1 if a limit is missed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tests.bench import machine, page
from tests.bench.datasets import FOLDER, SIZES, look
from tests.bench.finding import Finding
from tests.load import chaos, load
from tests.load.environment import Environment, environment

LOAD = {"minutes": 5.0, "utms": 20_000, "operators": 32, "size": "large"}
CHAOS = {"utms": 20_000, "operators": 32, "calm": 30.0, "size": "large"}
"""The scales whose tables are written into docs/performance.md; smaller ones are for trying."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one of the two commands, print its table and store its figures.

    :param words: the command's, ``sys.argv`` when not given.
    """
    arguments = _arguments(words)
    chosen = {name: value for name, value in vars(arguments).items() if name not in {"command", "find"}}
    replicated = arguments.command == "chaos"
    with environment(
        arguments.size, utms=arguments.utms, operators=arguments.operators, replicated=replicated
    ) as ready:
        about = page.run_table(machine.about([look(arguments.size, dict(ready.env))]))
        title, told, findings = _run(arguments, ready)
    section = f"{page.section(title, told, findings)}\n{about}"
    sys.stdout.write(f"\n{section}\n")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{arguments.command}.json").write_text(
        json.dumps({"options": chosen, "findings": [asdict(each) for each in findings]}, ensure_ascii=False, indent=1)
    )
    if not arguments.find and _is_full(arguments.command, chosen):
        page.write(section, part=arguments.command)
    missed = [each.name for each in findings if not each.held]
    for each in missed:
        sys.stderr.write(f"A limit is missed: {each}\n")
    return 1 if missed else 0


def _run(arguments: argparse.Namespace, ready: Environment) -> tuple[str, str, list[Finding]]:
    if arguments.command == "chaos":
        options = chaos.Options(arguments.utms, arguments.operators, arguments.calm)
        return chaos.TITLE, options.about(), chaos.measure(ready, options)
    wanted = load.Options(arguments.minutes, arguments.utms, arguments.operators)
    if not arguments.find:
        return load.TITLE, wanted.about(), load.measure(ready, wanted)
    utms, findings = load.most(ready, wanted)
    return load.TITLE, load.Options(wanted.minutes, utms, wanted.operators).about(), findings


def _is_full(command: str, chosen: dict[str, Any]) -> bool:
    """Return whether a run has the scale whose table is published."""
    full = dict(LOAD if command == "load" else CHAOS)
    return chosen["size"] == full.pop("size") and all(chosen[name] >= value for name, value in full.items())


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, defaults in (("load", LOAD), ("chaos", CHAOS)):
        command = commands.add_parser(name)
        command.add_argument("--utms", type=_positive(int), default=defaults["utms"])
        command.add_argument("--operators", type=_positive(int), default=defaults["operators"])
        command.add_argument("--size", choices=SIZES, default=defaults["size"], help="the data")
        command.set_defaults(find=False)
    commands.choices["load"].add_argument("--minutes", type=_positive(float), default=LOAD["minutes"])
    commands.choices["load"].add_argument(
        "--find", action="store_true", help="halve the number of UTMs until all limits are held"
    )
    commands.choices["chaos"].add_argument(
        "--calm", type=_positive(float), default=CHAOS["calm"], help="seconds before each process is killed"
    )
    return parser.parse_args(words)


def _positive(kind: type[int | float]):
    def read(text: str) -> float:
        number = kind(text)
        if number <= 0:
            raise argparse.ArgumentTypeError(f"{text} is not more than 0")
        return number

    return read


if __name__ == "__main__":
    sys.exit(main())
