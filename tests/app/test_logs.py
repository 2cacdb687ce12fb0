"""The lines of the log."""

from __future__ import annotations

import io
import json
import logging

import pytest

from app import logs


@pytest.fixture
def written():
    """What loggers write, as read again."""
    stream = io.StringIO()
    handler = logs.json_handler(stream)
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def fail(name: str) -> None:
    try:
        int(name)
    except ValueError as error:
        raise KeyError(name) from error


def test_of_an_exception_the_classes_and_places_are_told_and_no_value(written):
    try:
        fail("hanako@example.jp")
    except KeyError:
        logging.getLogger("portal.test").exception("failed")

    (line,) = written()
    assert line["exc_info"].startswith("KeyError at tests/app/test_logs.py:")
    assert "; after ValueError at tests/app/test_logs.py:" in line["exc_info"]
    assert "hanako" not in json.dumps(line)


def test_an_exception_is_one_line_of_bounded_length_however_deep_it_was(written):
    def deeper(left: int) -> None:
        if left == 0:
            raise ValueError
        deeper(left - 1)

    try:
        deeper(500)
    except ValueError:
        logging.getLogger("portal.test").exception("failed")

    (line,) = written()
    assert line["exc_info"].count(" > ") == 29


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        ("Error handling request %s", ("/customers/?name=hanako",), "Error handling request"),
        ("Invalid request from ip=%s: hanako", ("192.0.2.1",), "Invalid request"),
        ("Worker (pid:%s) was sent %s!", (41, "SIGKILL"), "Worker (pid:41) was sent SIGKILL!"),
    ],
)
def test_gunicorns_lines_on_requests_have_nothing_of_the_request(written, message, arguments, shown):
    logging.getLogger("gunicorn.error").warning(message, *arguments)

    assert [line["message"] for line in written()] == [shown]
