"""JSON text as Python values, read by the letter: what is ambiguous, or could not be kept, is refused.

A name given twice, NaN, Infinity, a lone surrogate outside of an escape, a number that no item can hold
exactly, and nesting past the reader's own depth are faults. Errors are ``ValueError``.
"""

from __future__ import annotations

import json

from kvdb.errors import ValidationError
from kvdb.item import number

_SHOWN_CHARS_MAX = 40


def strict_json(text: str) -> object:
    """The value of one JSON text; numbers are exact.

    Raises:
        ValueError: says what is wrong and, for broken JSON, at which character.
    """
    try:
        value: object = _DECODER.decode(text)
        text.encode("utf-8")
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at character {error.pos + 1}") from None
    except UnicodeEncodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValidationError as error:
        raise ValueError(error.message) from None
    return value


def shown(text: str) -> str:
    """A text in a message: quoted, and cut off when it is long."""
    return repr(text if len(text) <= _SHOWN_CHARS_MAX else text[: _SHOWN_CHARS_MAX - 1] + "…")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"name given twice: {shown(twice)}")
    return members


def _refuse_constant(name: str) -> object:
    raise ValueError(f"not a number: {name}")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=number.parse,
    parse_float=number.parse,
    parse_constant=_refuse_constant,
)
