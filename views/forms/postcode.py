"""郵便番号から住所を入力: the second button of every form with a postcode and a postal address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask_babel import gettext

from models.values import postcode
from models.values.postcode import Found


class PostcodeLookup:
    """A mixin for forms with the fields ``postcode`` and ``address`` and, if it is a separate field, ``prefecture``."""

    postcode: Any
    address: Any
    beside_fields: ClassVar[Mapping[str, str]] = {"postcode": "screen/_find_address.html"}

    def fill_in_address(self) -> Found | None:
        """Fill in the postal address of the postcode.

        :returns: the result of the lookup; None, with an error on the field, if the postcode does not exist.
        """
        found = postcode.address_of(self.postcode.data)
        if found is None:
            self.postcode.errors = [gettext("There is no such postcode.")]
            return None
        # If the places of a postcode have nothing in common, keep what was typed.
        prefecture = getattr(self, "prefecture", None)
        if prefecture is not None:
            prefecture.data = found.prefecture or prefecture.data
            self.address.data = found.address or self.address.data
        else:
            self.address.data = f"{found.prefecture}{found.address}" or self.address.data
        return found
