"""What a projection keeps of an item."""

from __future__ import annotations

import pytest

from kvdb.errors import ValidationError
from kvdb.expr.compiler import Placeholders, Projection, compile_projection

ITEM: dict[str, object] = {
    "a": 1,
    "m": {"x": 1, "y": {"z": 2}, "l": ["p", "q"]},
    "l": [10, {"u": 1, "v": 2}, [20, 21, 22], 13],
    "blank": {},
    "nil": None,
}


def projection(text: str, names: dict[str, str] | None = None) -> Projection:
    return compile_projection(text, Placeholders(names, None))


def kept(text: str, names: dict[str, str] | None = None) -> dict[str, object]:
    return projection(text, names).applied_to(ITEM)


def refusal(text: str, names: dict[str, str] | None = None) -> str:
    with pytest.raises(ValidationError) as caught:
        projection(text, names)
    prefix = "Invalid ProjectionExpression: "
    assert caught.value.message.startswith(prefix)
    return caught.value.message.removeprefix(prefix)


def test_named_attributes_are_kept_whole() -> None:
    assert kept("a, m") == {"a": 1, "m": ITEM["m"]}


def test_attributes_that_are_not_there_are_left_out() -> None:
    assert kept("a, b, c") == {"a": 1}
    assert kept("b") == {}


def test_null_and_empty_values_are_there() -> None:
    assert kept("nil, blank") == {"nil": None, "blank": {}}


def test_a_path_keeps_its_place_in_maps() -> None:
    assert kept("m.y.z, m.x") == {"m": {"x": 1, "y": {"z": 2}}}


def test_a_path_that_leads_nowhere_leaves_no_trace() -> None:
    assert kept("m.y.q, m.x.q, l[9], q.r, a") == {"a": 1}
    assert kept("l.x, m[0]") == {}


def test_list_elements_come_without_gaps_in_ascending_order() -> None:
    assert kept("l[3], l[0]") == {"l": [10, 13]}
    assert kept("l[2][2], l[2][0], l[0]") == {"l": [10, [20, 22]]}


def test_paths_below_one_element_are_merged() -> None:
    assert kept("l[1].v, l[0], l[1].u") == {"l": [10, {"u": 1, "v": 2}]}


def test_an_element_with_nothing_to_keep_is_left_out() -> None:
    assert kept("l[0].u, l[1].u") == {"l": [{"u": 1}]}


def test_placeholders_stand_for_names() -> None:
    assert kept("#m.#x, #l[0]", {"#m": "m", "#x": "x", "#l": "l"}) == {"m": {"x": 1}, "l": [10]}
    assert kept("#m", {"#m": "m.x"}) == {}


def test_the_item_is_not_changed() -> None:
    before = repr(ITEM)
    kept("m.y, l[1].u")
    assert repr(ITEM) == before


def test_the_resolved_paths_are_known() -> None:
    assert projection("#a.b[0], c", {"#a": "x"}).paths == (("x", "b", 0), ("c",))


def test_one_projection_serves_many_items() -> None:
    only_a = projection("a")
    assert [only_a.applied_to(item) for item in ({"a": 1, "b": 2}, {"b": 2})] == [{"a": 1}, {}]


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [
        ("a, b, a", "[a]", "[a]"),
        ("a, a.b", "[a]", "[a, b]"),
        ("a.b, c, a", "[a, b]", "[a]"),
        ("a.b[1].c, a.b[1]", "[a, b, [1], c]", "[a, b, [1]]"),
        ("l[0], l[1], l[0]", "[l, [0]]", "[l, [0]]"),
        ("#x, y", "[y]", "[y]"),
        ("a.b, a[0], c, c", "[c]", "[c]"),
    ],
)
def test_paths_that_overlap_are_refused(text: str, one: str, two: str) -> None:
    names = {"#x": "y"} if "#x" in text else None
    assert refusal(text, names) == (
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        f"path one: {one}, path two: {two}"
    )


@pytest.mark.parametrize(
    ("text", "one", "two"),
    [("a.b, a[0]", "[a, b]", "[a, [0]]"), ("c, a[1].x, a[1][2], d", "[a, [1], x]", "[a, [1], [2]]")],
)
def test_paths_that_take_a_place_as_map_and_list_are_refused(text: str, one: str, two: str) -> None:
    assert refusal(text) == (
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        f"path one: {one}, path two: {two}"
    )


def test_an_undefined_name_is_refused() -> None:
    assert refusal("a, b.#c, #d", {"#d": "d"}) == (
        "An expression attribute name used in the document path is not defined; attribute name: #c"
    )


def test_placeholders_count_as_used() -> None:
    placeholders = Placeholders({"#a": "a", "#b": "b"}, None)
    compile_projection("#a.x, #b", placeholders)
    placeholders.check_all_used()


def test_the_longest_projection_of_clashing_paths_is_refused_at_once() -> None:
    paths = [f"p{number}" for number in range(700)]
    assert refusal(",".join(["a.b", *paths, "a[0]"])).startswith("Two document paths conflict")
    assert refusal(",".join([*paths, "p0"])).startswith("Two document paths overlap")
