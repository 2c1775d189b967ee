"""Updates built in Python render to the texts a person would write."""

from __future__ import annotations

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.builder import Attr
from kvdb.expr.compiler import Placeholders, compile_update
from kvdb.expr.update_builder import Add, BuiltUpdate, Delete, Remove, Set


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (Set("a", 1), "SET #0 = :0"),
        (Set("a.b[2].c", 1), "SET #0.#1[2].#2 = :0"),
        (Set(("a.b", 0), 1), "SET #0[0] = :0"),
        (Remove("a"), "REMOVE #0"),
        (Remove("a", "b[1]"), "REMOVE #0, #1[1]"),
        (Add("a", 1), "ADD #0 :0"),
        (Delete("a.s", {"x"}), "DELETE #0.#1 :0"),
        (Set("a", 1) & Set("b", 2), "SET #0 = :0, #1 = :1"),
        (Set("a", 1) & Remove("b") & Set("c", 2), "SET #0 = :0, #2 = :1 REMOVE #1"),
        (Add("n", 1) & Delete("s", {1}) & Add("m", 2), "ADD #0 :0, #2 :2 DELETE #1 :1"),
    ],
)
def test_each_change_has_its_text(update: BuiltUpdate, expected: str) -> None:
    assert update.render().text == expected


def test_names_and_values_come_with_the_text() -> None:
    rendered = (Set("n", Attr("n") + 1) & Remove("old", "n2") & Add("likes", 3)).render("u")
    assert rendered.text == "SET #u0 = #u0 + :u0 REMOVE #u1, #u2 ADD #u3 :u1"
    assert rendered.names == {"#u0": "n", "#u1": "old", "#u2": "n2", "#u3": "likes"}
    assert rendered.values == {":u0": 1, ":u1": 3}


def test_rendering_twice_gives_the_same() -> None:
    update = Set("a", Attr("b").if_not_exists(0)) & Remove("c")
    assert update.render() == update.render()


def test_python_logic_is_refused() -> None:
    with pytest.raises(TypeError, match="combine updates with &"):
        bool(Set("a", 1) and Remove("b"))
    for other in (None, "SET a = b", Attr("a").eq(1)):
        with pytest.raises(TypeError):
            Set("a", 1) & other  # type: ignore[operator]


@pytest.mark.parametrize("make", [lambda p: Set(p, 1), Remove, lambda p: Add(p, 1), lambda p: Delete(p, {1})])
def test_what_is_no_path_is_refused(make: type[Remove]) -> None:
    with pytest.raises(ValidationError, match="not a document path"):
        make("a..b")


def test_remove_needs_a_path() -> None:
    with pytest.raises(ValidationError, match="at least one path"):
        Remove()


def test_a_built_update_does_what_it_says() -> None:
    update = (
        Set("visits", Attr("visits").if_not_exists(0) + 1)
        & Set("log", Attr("log").append(["seen"]))
        & Set("name.first", "Ann")
        & Remove("draft")
        & Add("likes", 2)
        & Delete("tags", {"old"})
    )
    rendered = update.render()
    placeholders = Placeholders(rendered.names, rendered.values)
    compiled = compile_update(rendered.text, placeholders)
    placeholders.check_all_used()
    item: dict[str, object] = {"log": [], "name": {}, "draft": 1, "tags": {"old", "new"}}
    assert compiled.applied_to(item) == {
        "visits": 1,
        "log": ["seen"],
        "name": {"first": "Ann"},
        "likes": 2,
        "tags": {"new"},
    }
