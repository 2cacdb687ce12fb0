from __future__ import annotations

import pytest
from flask import Flask

from tests.lighthouse.__main__ import told
from tests.lighthouse.compressed import compress
from tests.lighthouse.report import Unusable, read, table

URL = "http://127.0.0.1:8080/customers/"


def report(performance: float | None = 0.95, *, url: str = URL, paint: float = 0.9) -> dict:
    """A report as Lighthouse writes it, with what is read of it."""
    audits = {
        "first-paint": {"score": paint, "displayValue": "2.8 s"},
        "blocking-time": {"score": 0.4, "displayValue": "510 ms"},
        "layout-shift": {"score": 1, "displayValue": "0"},
        "unused-css": {"score": 0.5, "metricSavings": {"FCP": 600, "LCP": 650}},
        "broken": {"score": None},
    }
    weights = {"first-paint": 10, "blocking-time": 30, "layout-shift": 25, "unused-css": 0, "broken": 35}
    references = [{"id": name, "weight": weight} for name, weight in weights.items()]
    others = {name: {"score": 1, "auditRefs": []} for name in ("accessibility", "best-practices", "seo")}
    return {
        "finalDisplayedUrl": url,
        "runWarnings": ["A slow CPU."] if performance == 0.7 else [],
        "categories": {"performance": {"score": performance, "auditRefs": references}, **others},
        "audits": {
            name: {"id": name, "scoreDisplayMode": "error" if name == "broken" else "numeric", **audit}
            for name, audit in audits.items()
        },
    }


def test_the_score_of_a_page_is_the_median_and_what_costs_most_comes_first(capsys):
    results = [
        read("customers", [report(0.95), report(0.88, paint=0.5), report(0.7)], URL),
        read("dashboard", [report(0.9)], URL),
    ]

    assert table(results) == (
        "| page | performance | accessibility | best-practices | seo |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| limit | 90 | 95 | 95 |  |\n"
        "| customers | **88** | 100 | 100 | 100 |\n"
        "| dashboard | 90 | 100 | 100 | 100 |"
    )
    assert told(results) == 1
    assert capsys.readouterr().err == (
        "customers: A slow CPU.\n"
        "customers: performance 88 is below 90:\n"
        "  blocking-time (510 ms): costs 18.0 points\n"
        "  first-paint (2.8 s): costs 5.0 points\n"
        "  unused-css: would save 650 ms\n"
    )
    assert told(results[1:]) == 0


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (report(url="http://127.0.0.1:8080/login/"), "customers: .* led to http://127.0.0.1:8080/login/."),
        ({"runtimeError": {"message": "No paint."}}, "customers: No paint."),
        (report(performance=None), "There is no score for performance: broken failed."),
    ],
)
def test_a_report_about_another_page_or_without_a_score_is_refused(found, said):
    with pytest.raises(Unusable, match=said):
        read("customers", [report(), found], URL)


def test_static_files_are_compressed_and_pages_are_not(tmp_path):
    (tmp_path / "a.css").write_text("a { color: red }\n" * 100)
    app = Flask("compressed", static_folder=str(tmp_path), static_url_path="/static")
    app.after_request(compress)
    app.add_url_rule("/", view_func=lambda: "page" * 100)
    client = app.test_client()

    small = client.get("/static/a.css", headers={"Accept-Encoding": "gzip, br"})

    assert small.content_encoding == "gzip"
    assert len(small.data) < 100
    assert client.get("/static/a.css").data == b"a { color: red }\n" * 100
    assert client.get("/", headers={"Accept-Encoding": "gzip"}).content_encoding is None
