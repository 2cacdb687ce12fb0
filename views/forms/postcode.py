"""郵便番号から住所を入力: the second button of every form with a postcode and an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask_babel import gettext

from models.values import postcode
from models.values.postcode import Found


class FillsInAddress:
    """A form with the fields ``postcode`` and ``address`` and, where the two are kept apart, ``prefecture``."""

    postcode: Any
    address: Any
    beside_fields: ClassVar[Mapping[str, str]] = {"postcode": "screen/_find_address.html"}

    def fill_in_address(self) -> Found | None:
        """Fill in the address of the postcode.

        :returns: what was found; None, with the error beside the field, when there is no such postcode.
        """
        found = postcode.address_of(self.postcode.data)
        if found is None:
            self.postcode.errors = [gettext("There is no such postcode.")]
            return None
        # Where the places of a postcode have nothing in common, what was typed is worth more.
        prefecture = getattr(self, "prefecture", None)
        if prefecture is not None:
            prefecture.data = found.prefecture or prefecture.data
            self.address.data = found.address or self.address.data
        else:
            self.address.data = f"{found.prefecture}{found.address}" or self.address.data
        return found
