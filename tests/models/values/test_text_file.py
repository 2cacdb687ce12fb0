from __future__ import annotations

import pytest

from models.values.text_file import decoded


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_encodings_of_spreadsheets_are_read(encoding):
    assert decoded("契約番号,①".encode(encoding)) == "契約番号,①"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", "abc".encode("utf-16"), b"a\0b"])
def test_what_is_no_text_is_none(content):
    assert decoded(content) is None
