"""What the commands do with the findings of a run."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from tests.bench.finding import Finding
from tests.load import __main__ as runner


@pytest.fixture
def written(monkeypatch, tmp_path):
    """The parts of docs/performance.md that are written; nothing is started, and each run finds what it is told."""
    parts = {}

    @contextmanager
    def environment(size, *, utms, operators, replicated):
        yield SimpleNamespace(env={})

    monkeypatch.setattr(runner, "environment", environment)
    monkeypatch.setattr(runner, "look", lambda *_: None)
    monkeypatch.setattr(runner, "FOLDER", tmp_path)
    monkeypatch.setattr(runner.machine, "about", lambda _: {"machine": "2 cores"})
    monkeypatch.setattr(runner.page, "write", lambda text, part: parts.update({part: text}))
    return parts


def finds(monkeypatch, *held):
    found = [Finding(f"limit {number}", {"measured": "1"}, "1", each) for number, each in enumerate(held)]
    monkeypatch.setattr(runner.load, "measure", lambda *_: found)
    monkeypatch.setattr(runner.chaos, "measure", lambda *_: found)


def test_a_run_of_full_scale_is_published(written, monkeypatch):
    finds(monkeypatch, True)

    assert (runner.main(["load"]), runner.main(["chaos"])) == (0, 0)

    assert written["load"].startswith("## UTMs and operators at the same time\n\n20,000 UTMs")
    assert written["chaos"].startswith("## Processes that are killed under load\n\n20,000 UTMs")
    assert {"| machine | 2 cores |" in text for text in written.values()} == {True}


@pytest.mark.parametrize(
    "words",
    [
        ["load", "--utms", "500"],
        ["load", "--minutes", "1"],
        ["load", "--size", "bench"],
        ["load", "--find"],
        ["chaos", "--calm", "5"],
    ],
)
def test_a_smaller_run_is_not_published(written, monkeypatch, words):
    finds(monkeypatch, True)

    assert runner.main(words) == 0

    assert written == {}


def test_the_figures_are_stored_and_a_missed_limit_fails(written, monkeypatch, tmp_path, capsys):
    finds(monkeypatch, True, False)

    assert runner.main(["load", "--utms", "500"]) == 1

    stored = json.loads((tmp_path / "load.json").read_text())
    assert (stored["options"]["utms"], [each["held"] for each in stored["findings"]]) == (500, [True, False])
    output = capsys.readouterr()
    assert "| limit 1 | 1 | 1 | **no** |" in output.out
    assert output.err == "A limit is missed: limit 1\n"


def test_the_number_of_utms_is_halved_until_all_limits_are_held(written, monkeypatch, capsys):
    asked = []

    def measure(_stage, options):
        asked.append(options.utms)
        return [Finding("limit", {"measured": "1"}, "1", options.utms < 6_000)]

    monkeypatch.setattr(runner.load, "measure", measure)

    assert runner.main(["load", "--find"]) == 0

    assert asked == [20_000, 10_000, 5_000]
    assert "5,000 UTMs with a token each" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["load", "--utms", "0"], ["load", "--minutes", "-1"], ["chaos", "--minutes", "1"], []]
)
def test_nonsense_is_refused(words, capsys):
    with pytest.raises(SystemExit):
        runner.main(words)

    assert "usage: python -m tests.load" in capsys.readouterr().err
