"""What a transaction sees of its own writes is what everybody sees once it is committed."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kvdb
from kvdb import Attr, GlobalIndex, Key, LocalIndex, limits
from kvdb.client.overlay import identity_of


def made() -> tuple[kvdb.Client, kvdb.Table]:
    db = kvdb.open(":memory:")
    indexes = [
        LocalIndex("by-l", ("l", "N")),
        LocalIndex("keys-by-l", ("l", "N"), projection="KEYS_ONLY"),
        GlobalIndex("by-g", ("g", "S"), ("l", "N"), projection=["n"]),
        GlobalIndex("by-two", [("g", "S"), ("p", "S")], [("s", "N"), ("l", "N")]),
    ]
    return db, db.create_table("rows", key=("p", "S"), sort=("s", "N"), indexes=indexes)


keys = st.fixed_dictionaries({"p": st.sampled_from("ab"), "s": st.integers(0, 4)})
items = st.builds(
    lambda key, rest: {**key, **rest},
    keys,
    st.fixed_dictionaries(
        {}, optional={"l": st.integers(0, 2), "g": st.sampled_from("xy"), "n": st.integers(0, 3)}
    ),
)
writes = st.lists(
    st.one_of(
        st.tuples(st.just("put"), items),
        st.tuples(st.just("delete"), keys),
        st.tuples(st.just("climb"), keys),
        st.tuples(st.just("strip"), keys),
    ),
    max_size=8,
)
LOOKS = [
    {"key_condition": Key("p").eq("a")},
    {"key_condition": Key("p").eq("a"), "reverse": True},
    {"key_condition": Key("p").eq("a") & Key("s").between(1, 3), "filter": Attr("n").gt(0)},
    {"key_condition": Key("p").eq("b") & Key("s").lt(3), "projection": ["n", "s"]},
    {"key_condition": Key("p").eq("a"), "index": "by-l", "reverse": True},
    {"key_condition": Key("p").eq("a") & Key("l").gte(1), "index": "keys-by-l"},
    {"key_condition": Key("p").eq("a"), "index": "keys-by-l", "projection": ["n"]},
    {"key_condition": Key("g").eq("x"), "index": "by-g", "filter": Attr("n").exists()},
    {"key_condition": Key("g").eq("x") & Key("p").eq("a") & Key("s").eq(1), "index": "by-two"},
    {},
    {"filter": Attr("g").exists() & Attr("n").lt(3)},
    {"index": "by-g"},
    {
        "index": "by-two",
        "filter": "#l = :l",
        "names": {"#l": "l", "#n": "n"},
        "values": {":l": 1},
        "projection": "#n",
    },
]


@given(st.lists(items, max_size=8), writes, st.sampled_from([None, 1, 2]))
def test_own_reads_before_the_commit_are_those_of_everybody_after_it(before, made_in_it, page_size):
    db, table = made()
    with db:
        for item in before:
            table.put(item)
        with db.transaction() as tx:
            for kind, subject in made_in_it:
                if kind == "put":
                    tx.put("rows", subject)
                elif kind == "delete":
                    tx.delete("rows", subject)
                elif kind == "climb":
                    tx.update("rows", subject, "ADD n :one", values={":one": 1})
                else:
                    tx.update("rows", subject, "REMOVE g, l")
            seen = [
                list(
                    tx.query("rows", page_size=page_size, **look)
                    if "key_condition" in look
                    else tx.scan("rows", page_size=page_size, **look)
                )
                for look in LOOKS
            ]
        after = [
            list(table.query(**look) if "key_condition" in look else table.scan(**look)) for look in LOOKS
        ]
        assert seen == after


def test_what_is_given_out_is_nobody_elses():
    db, table = made()
    key = {"p": "a", "s": 1}
    item = {**key, "m": {"n": 1}}
    with db:
        with db.transaction() as tx:
            tx.put("rows", item)
            item["m"]["n"] = 2
            shown = [tx.get("rows", key), next(iter(tx.scan("rows"))), tx.update("rows", key, "SET x = s")]
            for found in shown:
                found["m"]["n"] = 3
        assert table.get(key) == {**key, "m": {"n": 1}, "x": 1}


def test_an_update_may_not_touch_the_key():
    db, _ = made()
    with db, db.transaction() as tx, pytest.raises(kvdb.ValidationError, match="part of the key"):
        tx.update("rows", {"p": "a", "s": 1}, "SET s = :s", values={":s": 2})


def test_keys_are_the_same_however_they_are_written():
    assert identity_of({"p": "a", "s": 1}) == identity_of({"s": 1.0, "p": "a"})
    assert identity_of({"p": "a", "s": 1}) != identity_of({"p": "a", "s": "1"})


def test_a_transaction_is_bounded(monkeypatch):
    monkeypatch.setattr(limits, "TRANSACTION_READS_MAX", 3)
    db, _ = made()
    with db, db.transaction() as tx:
        for _ in range(2):
            tx.get("rows", {"p": "a", "s": 1})
        tx.get("rows", {"p": "a", "s": 2})
        list(tx.scan("rows"))
        with pytest.raises(kvdb.ValidationError, match="a transaction may read 3 items and ranges, not 4"):
            tx.get("rows", {"p": "a", "s": 3})


def test_a_transaction_writes_no_more_than_any_server_takes():
    db, _ = made()
    tx = db.transaction()
    with db, suppress(kvdb.ValidationError), tx:
        for number in range(limits.OPEN.transaction_actions_max):
            tx.put("rows", {"p": "a", "s": number})
        with pytest.raises(kvdb.ValidationError, match="a transaction may write 1000 items, not 1001"):
            tx.put("rows", {"p": "a", "s": -1})
