"""The PDF of a monthly report: its look is the partner's, hostile texts stay text, and it fetches nothing."""

from __future__ import annotations

import io
import re
import zlib

import pytest
from PIL import Image

from models.reports import monthly_pdf
from models.reports.monthly_numbers import Content, Numbers, UtmPart
from models.reports.monthly_pdf import MAX_DETAILED, PdfBrand, chart_of, html_of, make_pdf

FUNCTIONS = ("antivirus", "ips", "web_guard", "url_filter", "app_guard")
HOSTILE = '<img src="http://127.0.0.1:1/x"><script>1</script>{{ 7 }}'
needs_pango = pytest.mark.skipif(not monthly_pdf.available(), reason="WeasyPrint does not find Pango here")


def numbers(high: int = 0) -> Numbers:
    return Numbers(
        dict.fromkeys(FUNCTIONS, 1),
        None,
        {"high": high, "low": 0},
        None,
        [("ips", HOSTILE, 1, 0)],
        [("url_filter", "長" * 200, 1)],
    )


def content(utms: int, *, per_day: int = 1, name: str = HOSTILE) -> Content:
    return Content(
        customer_id="A00000001",
        customer=name,
        month="2026-10",
        first="2026-10-01",
        last="2026-10-31",
        created="2026-11-01 04:00:00",
        received="",
        total=numbers() if per_day else Numbers(),
        days={function: [per_day] * 31 for function in FUNCTIONS},
        utms=[
            UtmPart("a0b1c2d3e4f5", f"UTM-{number}", "東京都", "online", "", "", numbers(high=number))
            for number in range(utms)
        ],
    )


@pytest.fixture(scope="module")
def brand() -> PdfBrand:
    logo = io.BytesIO()
    Image.new("RGB", (30, 10), "#204080").save(logo, "PNG")
    return PdfBrand("青空パートナー", "電話 03-1234-5678", "#d97706", logo.getvalue())


@needs_pango
def test_the_file_is_tagged_in_japanese_and_has_the_title(brand):
    made = make_pdf(content(1), brand)

    assert made.startswith(b"%PDF-")
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL)
    objects = b"".join(zlib.decompress(each) for each in streams if each.startswith(b"x"))
    for part in (b"/StructTreeRoot", b"/Lang(ja)", b"pdfuaid:part"):
        assert part in (objects + made).replace(b"/Lang (", b"/Lang("), part
    assert "月次レポート 2026年10月".encode("utf-16-be").hex().encode() in objects.lower()


@needs_pango
def test_only_the_given_files_are_read(monkeypatch, tmp_path, brand):
    secret = tmp_path / "secret.png"
    secret.write_bytes(brand.logo)
    asked = []

    def page(*_args) -> str:
        urls = (secret.as_uri(), "http://127.0.0.1:1/x.png", "data:image/png;base64,aGFsbG8=", "report:other")
        return "".join(f'<img src="{url}" alt="x">' for url in urls) + '<img src="report:logo" alt="x">'

    only = monthly_pdf._only

    def watched(given):
        fetcher = only(given)
        fetch = type(fetcher).fetch

        def note(self, url, headers=None):
            try:
                found = fetch(self, url, headers)
            except ValueError:
                asked.append((url[:12], False))
                raise
            asked.append((url[:12], True))
            return found

        type(fetcher).fetch = note
        return fetcher

    monkeypatch.setattr(monthly_pdf, "html_of", page)
    monkeypatch.setattr(monthly_pdf, "_only", watched)

    make_pdf(content(0), brand)

    assert {url for url, given in asked if given} == {"report:logo"}
    assert len([url for url, given in asked if not given]) == 4


def test_hostile_texts_are_escaped_and_the_brand_is_the_partners(brand):
    page = html_of(content(1), brand)

    assert "<script" not in page
    assert page.count("<img") == 2
    assert "&lt;script&gt;1&lt;/script&gt;{{ 7 }}" in page
    assert "青空パートナー" in page
    assert "1mm solid #d97706" in page


def test_many_utms_are_listed_and_those_with_the_most_alerts_detailed(brand):
    page = html_of(content(121), brand)

    assert page.count("<section>") == MAX_DETAILED
    assert all(f">UTM-{number}<" in page for number in range(121))
    assert "UTM 1/121: UTM-120" in page
    assert "アラートの多い順に10台分です" in page
    assert html_of(content(10), brand).count("<section>") == 10


def test_a_month_without_detections_has_no_chart(brand):
    page = html_of(content(1, per_day=0), brand)

    assert "report:chart" not in page
    assert "この月のアラートはありません。" in page


@pytest.mark.parametrize(
    ("largest", "top"), [(0, "4"), (1, "4"), (5, "8"), (8, "8"), (9, "20"), (1_234_567, "2,000,000")]
)
def test_the_chart_reaches_above_the_largest_day(largest, top):
    days = {function: [0, 0] for function in FUNCTIONS} | {"ips": [0, largest]}

    chart = chart_of(days)

    assert re.findall(r'text-anchor="end"[^>]*>([^<]+)<', chart)[-1] == top
    assert chart.count('<rect x="') == 5 + bool(largest)
