"""Normalize phone numbers and postcodes as typed: full-width, and with any of the characters used as hyphens."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import CountryCodeSource

from models.values.visible_text import visible

# After NFKC: hyphens and dashes, the minus sign, box-drawing lines, and the long-vowel mark, whose key is next to zero.
_HYPHENS = re.compile("[\u2010-\u2015\u2212\u2500\u2501\u30fc]")
_BETWEEN_DIGITS = re.compile(r"[-\s().]")
_NOTATION = re.compile(r"\+?[0-9\s().-]+")
# As people copy numbers from letters, web pages and address books, and search for them.
_LABEL = re.compile(r"(?:tel|phone|電話番号|電話|携帯)[\s.:]*", re.IGNORECASE)
_EXTENSION = re.compile(r"[\s(,;]*(?:内線|ext(?:ension|n)?)[\s.:=]*[0-9]+[\s)]*$", re.IGNORECASE)
_SEPARATORS = re.compile("[/_・·,:|~〜]")
_WITHOUT_PLUS = re.compile("81[1-9][0-9]{8,9}")
_INTERNATIONAL = {
    CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN,
    CountryCodeSource.FROM_NUMBER_WITH_IDD,
}
_JAPAN = 81


def plain_hyphens(text: str) -> str:
    """Return a number or code in half-width characters with ASCII hyphens.

    >>> plain_hyphens("７３３ー０００１")
    '733-0001'
    """
    return _HYPHENS.sub("-", unicodedata.normalize("NFKC", text))


def phone_digits(text: str) -> str:
    """Return a phone number as stored: half-width digits as dialled in Japan, whatever its notation.

    What is no number of Japan is only freed of what stands between its digits.

    >>> phone_digits("０３－１２３４ー５６７８")
    '0312345678'
    >>> phone_digits("+81-3-1234-5678")
    '0312345678'
    """
    plain = plain_hyphens(visible(text)).strip()
    if _NOTATION.fullmatch(plain):
        try:
            number = phonenumbers.parse(plain, "JP", keep_raw_input=True)
        except phonenumbers.NumberParseException:
            number = None
        if number is not None and number.country_code_source in _INTERNATIONAL and number.country_code == _JAPAN:
            return f"0{phonenumbers.national_significant_number(number)}"
    return _BETWEEN_DIGITS.sub("", plain)


def searched_digits(text: str) -> str:
    """Return a phone number that is searched for, or a part of one, as ``phone_digits`` returns it for storage.

    More notations are understood than a form accepts: without its extension, a number is found, but not stored, because
    the extension would be lost; and 03-1234-5678/9 is two numbers, which as one would be stored wrongly.

    >>> searched_digits("TEL 03/1234/5678 内線 12")
    '0312345678'
    >>> searched_digits("81312345678")
    '0312345678'
    """
    plain = _LABEL.sub("", plain_hyphens(visible(text)).strip(), count=1)
    digits = phone_digits(_SEPARATORS.sub("-", _EXTENSION.sub("", plain)))
    return f"0{digits[2:]}" if _WITHOUT_PLUS.fullmatch(digits) else digits
