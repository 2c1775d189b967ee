"""Paths, projections and what built expressions have in common."""

from __future__ import annotations

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.builder import Attr
from kvdb.expr.rendering import parse_path, render_projection

# Paths


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a[0]", ("a", 0)),
        ("a[0][12].b.c[3]", ("a", 0, 12, "b", "c", 3)),
        ("größe.my-name.#x y", ("größe", "my-name", "#x y")),
        (("a.b", 0, "c[1]"), ("a.b", 0, "c[1]")),
        (["a"], ("a",)),
    ],
)
def test_a_path_is_text_or_its_parts(path: str | tuple[str | int, ...], parts: tuple[str | int, ...]) -> None:
    assert parse_path(path) == parts


@pytest.mark.parametrize(
    "path",
    ["", ".", "a.", ".a", "a..b", "[0]", "a[", "a[]", "a[x]", "a[-1]", "a[0", "a]", "a[0]b", "a[٣]"],
)
def test_text_that_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Attr(path)
    assert caught.value.message == f"not a document path: {path!r}"


@pytest.mark.parametrize(
    "path", [(), (0,), ("a", -1), ("a", True), ("a", ""), ("", "a"), ("a", 1.5), (None,)]
)
def test_parts_that_are_no_path_are_refused(path: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        Attr(path)
    assert caught.value.message == f"not a document path: {path!r}"


# Projections


def test_a_projection_lists_its_paths() -> None:
    rendered = render_projection(["a", "b.c[1]", ("d.e", 0)], "p")
    assert rendered.text == "#p0, #p1.#p2[1], #p3[0]"
    assert rendered.names == {"#p0": "a", "#p1": "b", "#p2": "c", "#p3": "d.e"}
    assert rendered.values == {}


def test_a_projection_is_a_list_with_a_path() -> None:
    with pytest.raises(ValidationError, match="at least one path"):
        render_projection([])
    with pytest.raises(ValidationError, match="a list of paths, not one string"):
        render_projection("abc")
