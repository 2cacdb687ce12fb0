"""A list of fields of which people add and remove rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wtforms import FieldList

_PLACE = re.compile(r"[0-9]{1,4}")


class RowList(FieldList):
    """WTForms' list, without its errors on names that no page contains.

    WTForms passes what follows the list's name to ``int`` if ``str.isdigit`` accepts it. That raises an error on characters
    such as ``²`` and on very long numbers. Fields with such names are ignored here.
    """

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        for name in formdata:
            if name.startswith(f"{prefix}-"):
                place = name[len(prefix) + 1 :].partition("-")[0]
                if _PLACE.fullmatch(place):
                    yield int(place)
