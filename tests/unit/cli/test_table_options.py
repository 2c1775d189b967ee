from __future__ import annotations

import click
import pytest

from kvdb.cli.table_options import billing_of, global_index, key_attribute, local_index, mapping_of, projected
from kvdb.client.table_requests import Billing, GlobalIndex, LocalIndex, OnDemand, Provisioned


def test_a_local_index_is_a_name_and_a_sort_key() -> None:
    assert local_index("by-height=elevation:N") == LocalIndex("by-height", ("elevation", "N"))


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("i=a:S", GlobalIndex("i", [("a", "S")])),
        ("i=a:S/b:N", GlobalIndex("i", [("a", "S")], [("b", "N")])),
        ("i=a:S,b:B/c:N,d:S", GlobalIndex("i", [("a", "S"), ("b", "B")], [("c", "N"), ("d", "S")])),
        ("i=a:b:S", GlobalIndex("i", [("a:b", "S")])),
    ],
)
def test_a_global_index_is_a_name_and_up_to_two_lists_of_keys(text: str, index: GlobalIndex) -> None:
    assert global_index(text) == index
    assert global_index(text, unique=True).unique


@pytest.mark.parametrize(
    ("text", "billing"),
    [
        ("on-demand", OnDemand()),
        ("on-demand:5/10", OnDemand(5, 10)),
        ("on-demand:/10", OnDemand(None, 10)),
        ("on-demand:-1/-1", OnDemand(-1, -1)),
        ("provisioned:5/10", Provisioned(5, 10)),
    ],
)
def test_billing_is_a_mode_and_its_units(text: str, billing: Billing) -> None:
    assert billing_of(text) == billing


@pytest.mark.parametrize(
    "text", ["", "provisioned", "provisioned:5", "provisioned:/5", "provisioned:a/b", "5/5"]
)
def test_other_billing_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        billing_of(text)


@pytest.mark.parametrize("text", ["", "i", "=a:S", "i=", "i=a", "i=a:S/", "i=a:S,", "i=a:S/b:S/c:S"])
def test_an_index_that_lacks_a_part_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter):
        global_index(text)


def test_an_attribute_of_no_known_type_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="NAME:S, NAME:N or NAME:B"):
        key_attribute("a:SS")


def test_what_an_index_holds_is_a_word_or_a_list() -> None:
    assert (projected("ALL"), projected("KEYS_ONLY"), projected("a,b")) == ("ALL", "KEYS_ONLY", ("a", "b"))


def test_a_name_given_twice_is_refused() -> None:
    assert mapping_of(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
    with pytest.raises(click.BadParameter, match="given twice: a"):
        mapping_of(["a=1", "a=2"])
