"""Workbooks and templates of an import."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.support.pages import Page
from tests.views.imports.files import AOZORA, HEAD, upload


def test_the_templates_can_be_filled_in_and_imported(operator):
    for query in ("", "?contracts=1"):
        answer = operator.get(f"/customers/import/template{query}")
        assert answer.data.startswith("\ufeff会社ID,会社名".encode())
    assert upload(operator, operator.get("/customers/import/template").data).status_code == 200


def workbook(*rows: list[str], more: str = "") -> bytes:
    """A minimal workbook with texts in its cells; a number is written as one."""
    cells = "".join(
        f'<row r="{number}">'
        + "".join(
            f'<c r="{chr(65 + place)}{number}"'
            + (f"><v>{cell}</v></c>" if isinstance(cell, int) else f' t="inlineStr"><is><t>{cell}</t></is></c>')
            for place, cell in enumerate(row)
        )
        + "</row>"
        for number, row in enumerate(rows, start=1)
    )
    sheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{sheet}" xmlns:r="{rel}"><sheets><sheet name="1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="rId1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{sheet}"><sheetData>{cells}{more}</sheetData></worksheet>'
        )
    return buffer.getvalue()


def test_a_workbook_is_read_and_a_number_that_lost_its_zeros_is_an_error(operator):
    row = AOZORA.split(",")
    good = upload(operator, workbook(HEAD.split(","), row), "顧客.xlsx")
    row[8] = 312345678
    bad = upload(operator, workbook(HEAD.split(","), row), "顧客.xlsx")

    assert Page(good.text).column("登録内容") == ["新しい顧客"]
    assert Page(bad.text).column("列") == ["電話番号"]


@pytest.mark.parametrize(
    "more", ['<row r="1048576"><c r="A1048576"><v>1</v></c></row>', '<row r="3"><c r="XFD3"><v>1</v></c></row>']
)
def test_a_workbook_with_a_cell_far_away_is_refused_before_memory_is_taken(operator, more):
    assert upload(operator, workbook(HEAD.split(","), more=more), "x.xlsx").status_code == 422


def test_a_workbook_that_unpacks_to_too_much_is_refused(operator):
    bomb = workbook(HEAD.split(","), more=" " * (61 * 1024 * 1024))

    assert len(bomb) < 1024 * 1024
    assert upload(operator, bomb, "x.xlsx").status_code == 422


def test_a_workbook_cannot_name_files_of_the_server(operator, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("tsugumi-3776")
    row = ["&file;", *AOZORA.split(",")[1:]]
    given = io.BytesIO(workbook(HEAD.split(","), row))
    changed = io.BytesIO()
    with zipfile.ZipFile(given) as source, zipfile.ZipFile(changed, "w") as archive:
        for part in source.namelist():
            text = source.read(part).decode()
            if "sheetData" in text:
                text = f'<!DOCTYPE worksheet [<!ENTITY file SYSTEM "{secret.as_uri()}">]>{text}'
            archive.writestr(part, text)

    answer = upload(operator, changed.getvalue(), "顧客.xlsx")

    assert answer.status_code in {200, 422}
    assert "tsugumi" not in answer.text
