"""Hypothesis strategies for what kvdb stores. All but ``raw_*`` yield normalised values.

They are built without calling kvdb, so that they can judge it.
"""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Number = int | Decimal

_DIGITS_MAX = 38
_EXPONENT_MIN, _EXPONENT_MAX = -130, 125


def normal_number(negative: bool, digits: str, exponent: int) -> Number:
    """``d.ddd x 10^exponent`` in normal form: int when whole, else a Decimal without trailing zeros."""
    digits = digits.rstrip("0")
    if not digits:
        return 0
    last_exponent = exponent - len(digits) + 1
    if last_exponent >= 0:
        whole = int(digits) * 10**last_exponent
        return -whole if negative else whole
    return Decimal((int(negative), tuple(map(int, digits)), last_exponent))


def numbers() -> SearchStrategy[Number]:
    """Every number of the service: small ones, money, 38 digits, both ends of the range, both signs."""
    digits = st.integers(1, 9).flatmap(
        lambda first: st.text("0123456789", max_size=_DIGITS_MAX - 1).map(lambda rest: f"{first}{rest}")
    )
    exponents = st.integers(-5, 20) | st.integers(_EXPONENT_MIN, _EXPONENT_MAX)
    anything = st.builds(normal_number, st.booleans(), digits, exponents)
    return st.integers(-200, 200) | st.integers(-(2**65), 2**65) | anything


def texts(*, min_size: int = 0, max_size: int = 12) -> SearchStrategy[str]:
    """Strings without lone surrogates, rich in what sorts or escapes badly."""
    awkward = st.text("\x00\x01\x7f\x80ÿ\uffff\U00010000ab", min_size=min_size, max_size=max_size)
    return awkward | st.text(min_size=min_size, max_size=max_size)


def binaries(*, min_size: int = 0, max_size: int = 12) -> SearchStrategy[bytes]:
    """Byte strings, rich in 00, 01 and FF."""
    awkward = st.lists(st.sampled_from((0, 1, 2, 254, 255)), min_size=min_size, max_size=max_size).map(bytes)
    return awkward | st.binary(min_size=min_size, max_size=max_size)


def attribute_names() -> SearchStrategy[str]:
    """Names a person would choose, and any others."""
    return st.sampled_from(("a", "b", "c", "id", "name", "größe")) | texts(min_size=1)


def key_values(type_name: str | None = None) -> SearchStrategy[str | bytes | Number]:
    """Values legal in a key: of ``"S"``, ``"N"`` or ``"B"``, or of any of them. Never empty."""
    by_type = {"S": texts(min_size=1), "N": numbers(), "B": binaries(min_size=1)}
    return by_type[type_name] if type_name else st.one_of(*by_type.values())


def scalars() -> SearchStrategy[object]:
    """S, N, B, BOOL, NULL."""
    return texts() | numbers() | binaries() | st.booleans() | st.none()


def sets() -> SearchStrategy[set[object]]:
    """SS, NS, BS."""
    return st.one_of(*(st.sets(of, min_size=1, max_size=4) for of in (texts(), numbers(), binaries())))


def attribute_values() -> SearchStrategy[object]:
    """Any of the ten types; lists and maps a few levels deep."""
    return st.recursive(
        scalars() | sets(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(attribute_names(), inner, max_size=4),
        max_leaves=8,
    )


def items(*, max_size: int = 6) -> SearchStrategy[dict[str, object]]:
    """Items without a key schema; add key attributes where a table needs them."""
    return st.dictionaries(attribute_names(), attribute_values(), max_size=max_size)


def raw_values() -> SearchStrategy[object]:
    """What a caller may pass: floats, tuples, frozensets, byte arrays, numbers with zeros to trim."""
    floats = st.floats(-1e100, 1e100).filter(lambda x: x == 0 or abs(x) > 1e-100)
    untrimmed = st.integers(-(10**20), 10**20).map(lambda n: Decimal(n).scaleb(-4))
    leaves = (
        scalars()
        | sets()
        | floats
        | untrimmed
        | st.binary(max_size=8).map(bytearray)
        | st.just(Decimal("-0"))
    )
    return st.recursive(
        leaves | sets().map(frozenset),
        lambda inner: (
            st.lists(inner, max_size=4).map(tuple) | st.dictionaries(attribute_names(), inner, max_size=4)
        ),
        max_leaves=8,
    )


def raw_items(*, max_size: int = 6) -> SearchStrategy[dict[str, object]]:
    """Items of ``raw_values``."""
    return st.dictionaries(attribute_names(), raw_values(), max_size=max_size)
