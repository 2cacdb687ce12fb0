"""The progress display of a long run, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest

from app.shipper.progress import Progress


class Screen(io.StringIO):
    """An output stream that is a terminal or not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


class Watch:
    """A clock that the test advances."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


def play(progress: Progress, watch: Watch, seconds: float, *, step: float = 0.1) -> None:
    """Call ``tick`` ten times a second for a while."""
    for _ in range(round(seconds / step)):
        watch.now += step
        progress.tick()


def test_a_short_run_shows_nothing(watch: Watch) -> None:
    for terminal in (True, False):
        screen = Screen(terminal=terminal)
        with Progress(lambda _: "5 records", stream=screen, clock=watch) as progress:
            play(progress, watch, 1.9)
        assert screen.getvalue() == ""


def test_elsewhere_a_line_is_printed_every_ten_seconds(watch: Watch) -> None:
    screen = Screen(terminal=False)
    with Progress(lambda seconds: f"after {seconds:.0f} s", stream=screen, clock=watch) as progress:
        play(progress, watch, 25)

    assert screen.getvalue() == "after 2 s\nafter 12 s\nafter 22 s\n"


def test_on_a_terminal_one_line_is_redrawn_and_cleared_at_the_end(watch: Watch) -> None:
    screen, texts = Screen(terminal=True), iter(["1,000 records", "5 records"])
    with Progress(lambda _: next(texts), stream=screen, clock=watch) as progress:
        play(progress, watch, 2.4)

    assert screen.getvalue() == "\r1,000 records" + "\r5 records    " + "\r" + " " * 9 + "\r"


def test_a_line_is_no_longer_than_the_terminal(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen(terminal=True)
    with Progress(lambda _: "x" * 200, stream=screen, clock=watch) as progress:
        play(progress, watch, 2.1)

        assert screen.getvalue() == "\r" + "x" * 39


def test_unchanged_progress_is_not_repeated(watch: Watch) -> None:
    screen = Screen(terminal=False)
    with Progress(lambda _: "5 records", stream=screen, clock=watch) as progress:
        play(progress, watch, 60)

    assert screen.getvalue() == "5 records\n"


def test_a_message_is_printed_on_its_own_line(watch: Watch) -> None:
    screen = Screen(terminal=True)
    with Progress(lambda _: "5 records", stream=screen, clock=watch) as progress:
        play(progress, watch, 2.1)
        progress.notify("The portal answers again.")

    assert screen.getvalue() == "\r5 records" + "\r         \r" + "The portal answers again.\n"


def test_quiet_hides_progress_but_not_messages(watch: Watch) -> None:
    screen = Screen(terminal=True)
    with Progress(lambda _: "5 records", quiet=True, stream=screen, clock=watch) as progress:
        play(progress, watch, 60)
        progress.notify("The portal answers again.")

    assert screen.getvalue() == "The portal answers again.\n"


def test_the_seconds_of_another_text_are_its_own(watch: Watch) -> None:
    screen = Screen(terminal=False)
    with Progress(lambda seconds: f"reading {seconds:.0f} s", stream=screen, clock=watch) as progress:
        play(progress, watch, 7)
        progress.show(lambda seconds: f"sending {seconds:.0f} s")
        play(progress, watch, 10)

    assert screen.getvalue() == "reading 2 s\nsending 5 s\n"
