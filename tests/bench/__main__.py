"""``make bench``: measures what docs/performance.md promises, and writes it there; exits with 1 if a limit is missed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tests.bench import (
    applications,
    audit,
    charts,
    customers,
    declared,
    downloads,
    growth,
    heartbeats,
    imports,
    ingest,
    invoices,
    lists,
    machine,
    mail,
    page,
    rights,
    signin,
    threats,
    throughput,
)
from tests.bench.datasets import SIZES, Dataset, dataset
from tests.bench.finding import Finding, Missing


@dataclass(frozen=True)
class Part:
    """One thing to measure.

    :ivar sizes: the data it takes, in the order of ``measure``'s arguments; empty for that of the run.
    """

    name: str
    title: str
    about: str
    measure: Callable[..., list[Finding]]
    sizes: tuple[str, ...] = ()


PARTS = (
    Part("list", lists.TITLE, lists.ABOUT, lists.measure),
    Part("declared", declared.TITLE, declared.ABOUT, declared.measure),
    Part("growth", growth.TITLE, growth.ABOUT, growth.measure, ("bench", "large")),
    Part("download", downloads.TITLE, downloads.ABOUT, downloads.measure),
    Part("ingest", ingest.TITLE, ingest.ABOUT, ingest.measure),
    Part("throughput", throughput.TITLE, throughput.ABOUT, throughput.measure),
    Part("rights", rights.TITLE, rights.ABOUT, rights.measure),
    Part("signin", signin.TITLE, signin.ABOUT, signin.measure),
    Part("audit", audit.TITLE, audit.ABOUT, audit.measure),
    Part("invoices", invoices.TITLE, invoices.ABOUT, invoices.measure),
    Part("customers", customers.TITLE, customers.ABOUT, customers.measure),
    Part("charts", charts.TITLE, charts.ABOUT, charts.measure, ("large",)),
    Part("threats", threats.TITLE, threats.ABOUT, threats.measure),
    Part("heartbeats", heartbeats.TITLE, heartbeats.ABOUT, heartbeats.measure, ("large",)),
    Part("applications", applications.TITLE, applications.ABOUT, applications.measure),
    Part("imports", imports.TITLE, imports.ABOUT, imports.measure),
    Part("mail", mail.TITLE, mail.ABOUT, mail.measure),
)


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and write what was measured with the standard data into the page.

    :param words: the command's, ``sys.argv`` when not given.
    :returns: 1 when a limit is missed.
    """
    arguments = _arguments(words)
    parts = [part for part in PARTS if not arguments.only or part.name in arguments.only]
    missed = []
    with ExitStack() as stack:
        sizes = dict.fromkeys(size for part in parts for size in part.sizes or (arguments.size,))
        datasets = {size: stack.enter_context(dataset(size)) for size in sizes}
        about = page.run_table(machine.about(list(datasets.values())))
        _say(about)
        published = arguments.size == SIZES[0]
        if published:
            page.write(about, part="machine")
        for part in parts:
            findings = measure(part, [datasets[size] for size in part.sizes or (arguments.size,)])
            missed += [f"{part.name}: {each.name}" for each in findings if not each.held]
            section = page.section(part.title, f"{part.about} {machine.when()}", findings)
            _say(section)
            if published:
                page.write(section, part=part.name)
    for each in missed:
        sys.stderr.write(f"A limit is missed: {each}\n")
    return 1 if missed else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def measure(part: Part, datasets: Sequence[Dataset]) -> list[Finding]:
    """What a part finds; a program that is missing is a limit that is not held."""
    try:
        return part.measure(*datasets)
    except Missing as missing:
        return [Finding(part.title, {"portal": str(missing)}, "", held=False)]


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [part.name for part in PARTS]
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"parts of: {', '.join(names)}")
    parser.add_argument("--size", choices=SIZES, default=SIZES[0], help="the data, where a part does not name its own")
    arguments = parser.parse_args(words)
    if unknown := set(arguments.only or ()) - set(names):
        parser.error(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(names)}.")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
