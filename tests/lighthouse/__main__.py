"""``make lighthouse``: Lighthouse's scores of the main pages on a phone; ends with 1 when a limit is missed.

Chromium and Node.js are those of this machine, Lighthouse that of tools/lighthouse. It calls nothing but the portal, which
it starts with demonstration data. The slow phone is simulated, but from the times that this machine takes: it should do
nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config import ROOT
from tests.lighthouse.portal import portal
from tests.lighthouse.report import LIMITS, Result, Unusable, read, table
from tests.support.chromium import NONE, find_chromium

PROGRAM = ROOT / "tools" / "lighthouse" / "node_modules" / "lighthouse" / "cli" / "index.js"
INSTANCE = ROOT / "instance" / "lighthouse"
RUNS = 3
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    # Chromium's own services are not found either.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_PATIENCE = 300


def main(words: Sequence[str] | None = None) -> int:
    """Load each page several times, and print the scores.

    :param words: the command's, ``sys.argv`` when not given.
    :returns: 1 when a limit is missed or a page could not be loaded.
    """
    arguments = _arguments(words)
    chromium = find_chromium()
    if chromium is None:
        sys.stderr.write(f"Lighthouse cannot run: {NONE}.\n")
        return 1
    results = []
    try:
        with portal(INSTANCE) as running, TemporaryDirectory(prefix="portal-lighthouse-") as folder:
            headers = Path(folder, "headers.json")
            headers.write_text(json.dumps({"Cookie": running.cookie}))
            for page, url in (running.pages | running.public_pages).items():
                sent = headers if page in running.pages else None
                reports = [load(url, chromium, sent) for _ in range(arguments.runs)]
                results.append(read(page, reports, url))
                _say(f"{page}: {', '.join(f'{name} {value}' for name, value in results[-1].scores.items())}")
                if arguments.reports:
                    _keep(arguments.reports, page, reports)
    except Unusable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    _say(f"\n{table(results)}\n")
    return told(results)


def load(url: str, chromium: str, headers: Path | None) -> dict[str, Any]:
    """Load a page once, and return Lighthouse's report.

    :param chromium: the path of the browser.
    :param headers: a file with headers to add to each request.
    :raises Unusable: Lighthouse ended without a report.
    """
    ended = subprocess.run(
        [
            *("node", str(PROGRAM), url, "--output=json", "--quiet", "--no-enable-error-reporting"),
            f"--only-categories={','.join(LIMITS)}",
            *([f"--extra-headers={headers}"] if headers else []),
            f"--chrome-flags={' '.join(_quoted(flag) for flag in FLAGS)}",
        ],
        env=os.environ | {"CHROME_PATH": chromium},
        stdout=subprocess.PIPE,
        timeout=_PATIENCE,
        check=False,
    )
    try:
        return json.loads(ended.stdout)
    except ValueError:
        raise Unusable(f"Lighthouse ended with {ended.returncode} for {url}; what it wrote is above.") from None


def told(results: Sequence[Result]) -> int:
    """Say which limits are missed, what costs most and what Lighthouse warns of; return the exit code."""
    for result in results:
        sys.stderr.writelines(f"{result.page}: {each}\n" for each in result.warnings)
        for category in result.missed:
            sys.stderr.write(f"{result.page}: {category} {result.scores[category]} is below {LIMITS[category]}:\n")
            sys.stderr.writelines(f"  {each}\n" for each in result.costly[category])
    return 1 if any(result.missed for result in results) else 0


def _quoted(flag: str) -> str:
    """A flag as Lighthouse reads it: with quotation marks around a value that has blanks."""
    name, equals, value = flag.partition("=")
    return f'{name}="{value}"' if " " in value else f"{name}{equals}{value}"


def _keep(folder: Path, page: str, reports: Sequence[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, report in enumerate(reports, 1):
        name = f"{page.replace(' ', '-')}-{number}.json"
        (folder / name).write_text(json.dumps(report, ensure_ascii=False))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lighthouse", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how often each page is loaded; {RUNS} by default")
    parser.add_argument("--reports", type=Path, help="a folder in which all reports are kept")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main())
