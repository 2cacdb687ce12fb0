"""Parts of a page that are the same on many pages, written once.

The menu, a heading, the fields of a form: between two requests they seldom change, and writing them was a third of what
a page cost.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

from flask import Flask, request

from views.languages import chosen_language

Written = TypeVar("Written")

_MOST = 2_048
"""How many parts and patterns a process keeps, of a thousand or two bytes each."""


def init_app(app: Flask) -> None:
    """Put ``remembered`` into the templates of an app."""
    app.jinja_env.globals["remembered"] = remembered


def remembered(macro: Callable[..., Written], *values: Hashable) -> Written:
    """What a macro makes of some values, of which it has been written before if it can be.

    :param macro: from a file that is imported, so that it is the same for all requests. It writes nothing that depends on
        the request but for its language: no token, no nonce, no address with the page's arguments.
    :param values: all the macro depends on. Where texts and markup may both stand, each is a value of its own: inside of a
        tuple the one passes for the other of the same letters.
    """
    written: Written = _written(macro, chosen_language(), request.script_root, *values)
    return written


@lru_cache(_MOST, typed=True)
def _written(macro: Callable[..., Any], _language: str, _script_root: str, *values: Hashable) -> Any:
    return macro(*values)
