from __future__ import annotations

import re
from contextlib import nullcontext

import pytest

from tests.bench import __main__ as runner
from tests.bench import page
from tests.bench.finding import Finding, Missing


def test_a_part_is_a_table_with_what_was_measured_beside_its_limit():
    findings = [
        Finding("first", {"portal": "10 ms", "ratio": "5.00x"}, "at least 5x", held=True),
        Finding("second", {"portal": "20 ms"}, "at least 5x", held=False),
    ]

    assert page.section("Lists", "What is compared.", findings) == (
        "## Lists\n\nWhat is compared.\n\n"
        "|  | portal | ratio | limit | held |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| first | 10 ms | 5.00x | at least 5x | yes |\n"
        "| second | 20 ms |  | at least 5x | **no** |\n"
    )


def test_only_what_stands_between_the_marks_is_written_anew(tmp_path):
    file = tmp_path / "performance.md"
    file.write_text("before\n<!-- list: begin -->\nold\n<!-- list: end -->\nafter\n")

    page.write("new", file, part="list")
    page.write("newer", file, part="list")

    assert file.read_text() == "before\n<!-- list: begin -->\n\nnewer\n<!-- list: end -->\nafter\n"


def test_the_tables_of_other_parts_are_kept(tmp_path):
    file = tmp_path / "performance.md"
    file.write_text("<!-- list: begin -->\n<!-- list: end -->\n<!-- load: begin -->\n<!-- load: end -->\n")

    page.write("of the load", file, part="load")
    page.write("of the list", file, part="list")

    assert file.read_text() == (
        "<!-- list: begin -->\n\nof the list\n<!-- list: end -->\n"
        "<!-- load: begin -->\n\nof the load\n<!-- load: end -->\n"
    )
    with pytest.raises(ValueError, match="has no marks of the part chaos"):
        page.write("of the failures", file, part="chaos")


def test_the_page_has_a_place_for_each_part_in_the_order_of_the_run():
    marks = re.findall("<!-- ([a-z]+): begin -->\n(?:.*\n)*?<!-- \\1: end -->\n", page.PAGE.read_text("utf-8"))

    assert marks == ["machine", *(part.name for part in runner.PARTS), "load", "chaos"]


@pytest.mark.parametrize(("size", "written"), [("bench", ["machine", "mail"]), ("large", [])])
def test_what_was_measured_with_the_standard_data_is_written(monkeypatch, size, written):
    found = []
    monkeypatch.setattr(runner.page, "write", lambda _text, part: found.append(part))
    monkeypatch.setattr(runner.machine, "about", lambda _places: {})
    monkeypatch.setattr(runner, "dataset", lambda _size: nullcontext())
    mail = runner.Part("mail", "Mail", "", lambda _place: [Finding("first", {}, "", held=True)])
    monkeypatch.setattr(runner, "PARTS", [mail])

    assert runner.main(["--only", "mail", "--size", size]) == 0
    assert found == written


def test_a_program_that_is_not_there_is_a_limit_that_is_not_held():
    def measure(_dataset):
        raise Missing("psql is not installed (Debian: apt-get install postgresql-client).")

    (found,) = runner.measure(runner.Part("download", "A download", "", measure), [None])

    assert not found.held
    assert "apt-get install postgresql-client" in page.section("A download", "", [found])


def test_a_part_nobody_knows_is_told_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        runner.main(["--only", "lists"])

    assert "There is no part lists; there are list, declared, growth" in capsys.readouterr().err
