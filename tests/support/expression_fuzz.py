"""Random expressions, well-typed and ill-typed, as trees and as the texts that say them.

Plain seeded chance and few names, values and places: a hundred thousand of them take seconds, often
find something in the items they meet, and often disagree in one small thing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeAlias

from tests.support.expression_oracle import COMPARATORS, TYPES, Item, Literal, Path, Said, Undefined
from tests.support.key_condition_oracle import Key

_NAMES = ("a", "b", "c.d", "name")
_HUGE = 99999999999999999999999999999999999999 * 10**88
_TINY = Decimal("1E-130")
_WIDE = "é\U0001f600"
"""Two characters, six bytes, and three units of UTF-16, which are what counts."""
_ORDERED = (0, 1, -3, 2, 3, 10**37, _HUGE, Decimal("1.5"), _TINY, "", "a", "ab", _WIDE, b"", b"a", b"\xff")
_DOCUMENTS = ([], [1], ["a", 1, True], {}, {"a": 1}, {"name": {"b": "a"}}, {"b": [[0], "a"]})
_SETS = ({1}, {1, Decimal("1.5")}, {"a", "ab"}, {b"a"}, {"a"})
_CONFUSED = (0, 1, False, True)  # Python thinks that some of these are equal
_VALUES = (*_ORDERED, _WIDE, True, False, None, *_DOCUMENTS, *_SETS, *_CONFUSED, *_CONFUSED)
_PREFIXES = ("", "a", "ab", b"", b"a")
_ADDENDS = (1, -3, Decimal("0.5"), _HUGE, _TINY, Decimal("1.1E-130"), *_SETS)
_PATHS: tuple[Path, ...] = (
    *((name, *rest) for name in _NAMES for rest in [(), (), (), ("a",), ("b",), (0,)]),
    *(("a", "name", "b"), ("a", "b", 0), ("b", "b", 0, 0), ("name", 1), ("b", 0, "name")),
    *(("a", 0), ("a", 1), ("a", 2), ("a", 7), ("b", "b", 5)),
)
_DEEP: Path = ("a", *["b"] * 31)
_WRONG_PATHS: tuple[Path, ...] = (
    (*_DEEP, "a"),
    ("a", 2**31),
    ("a", Undefined("#none")),  # type: ignore[arg-type]
    (Undefined("#none"), 0),  # type: ignore[arg-type]
)

Rule: TypeAlias = "Callable[[], Said]"


class Fuzz:
    """Trees and items, all of them from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._pick = self.chance.choice

    def odds(self, of: int) -> bool:
        """True once in ``of`` times."""
        return self.chance.random() * of < 1

    # Items

    def item(self) -> Item:
        item = {name: self.value() for name in _NAMES if self.chance.random() < 0.6}
        if self.odds(15):
            item["a"] = self._nested(self._pick((27, 30, 31)))
        return item

    def _nested(self, levels: int) -> object:
        value: object = self._pick(_ORDERED)
        for _ in range(levels):
            value = {"b": value}
        return value

    def value(self, depth: int = 0) -> object:
        shape = self.chance.random()
        if shape < 0.5 or depth == 3:
            return self._pick(_VALUES)
        if shape < 0.75:
            return [self.value(depth + 1) for _ in range(self.chance.randrange(4))]
        return {name: self.value(depth + 1) for name in _NAMES if self.odds(2)}

    # Conditions

    def condition(self, depth: int = 3) -> Said:
        if depth == 0 or self.chance.random() < 0.4:
            return self._leaf()
        word = self._pick(("AND", "AND", "OR", "NOT"))
        if word == "NOT":
            return Said(word, (self.condition(depth - 1),))
        count = 3 if self.odds(4) else 2
        return Said(word, tuple(self._joined(word, self.condition(depth - 1)) for _ in range(count)))

    @staticmethod
    def _joined(word: str, part: Said) -> Said:
        """A join of joins of its own kind is one long join once it is written down."""
        return part if part.word != word else part.operands[0]  # type: ignore[return-value]

    def _leaf(self) -> Said:
        if self.odds(12):
            return self._ill_leaf()
        word = self._pick(_LEAF_WORDS)
        if word in COMPARATORS and self.odds(6):
            return Said(word, (Said("size", (self.path(),)), Literal(self.chance.randrange(4))))
        if word in ("=", "<>"):
            return Said(word, (self._any(), self._any()))
        if word in COMPARATORS:
            return Said(word, (self._sortable(), self._sortable()))
        if word == "BETWEEN":
            return Said(word, (self._sortable(), *self._bounds()))
        if word == "IN":
            return Said(word, (self._any(), *(self._any() for _ in range(self._pick((1, 2, 3))))))
        return Said(word, self._arguments(word))

    def _arguments(self, word: str) -> tuple[object, ...]:
        if word in ("attribute_exists", "attribute_not_exists"):
            return (self.path(),)
        if word == "attribute_type":
            return self.path(), Literal(self._pick(TYPES))
        if word == "begins_with":
            return self._prefixed(), self._prefixed()
        return self._any(), self._any()

    def _bounds(self) -> tuple[object, object]:
        if self.odds(3):
            return self._sortable(), self._sortable()
        low, high = self._pick(_SORTED_PAIRS)
        return Literal(low), Literal(high)

    def _ill_leaf(self) -> Said:
        """Something is wrong with it, mostly."""
        wrong = (Undefined(":none"), self._wrong_call(), Literal(None), Literal({"a"}), self.path())
        operands = [self._any(), self._pick(wrong)]
        if self.odds(2):
            operands.reverse()
        word = self._pick((*_LEAF_WORDS, "size", "SIZE", "if_not_exists", "attribute_type", "BETWEEN", "IN"))
        if word == "BETWEEN":
            operands.append(self._any())
        if word == "IN" and self.odds(8):
            operands += [Literal(0)] * 100
        if word[0].islower() and self.odds(3):
            operands = operands[:1] if self.odds(2) else [*operands, self.path()]
        return Said(word, tuple(operands))

    def _wrong_call(self) -> Said:
        word = self._pick(("size", "size", "contains", "frobnicate", "list_append", "Size"))
        return Said(word, tuple(self._any() for _ in range(self._pick((1, 1, 2)))))

    def path(self) -> Path:
        if self.odds(60):
            return self._pick(_WRONG_PATHS) if self.odds(3) else _DEEP[: self._pick((28, 29, 30, 31, 32))]
        return self._pick(_PATHS)

    def _any(self) -> object:
        shape = self.chance.random()
        if shape < 0.5:
            return self.path()
        return Literal(self._pick(_VALUES)) if shape < 0.85 else Said("size", (self.path(),))

    def _sortable(self) -> object:
        shape = self.chance.random()
        if shape < 0.4:
            return self.path()
        return Literal(self._pick(_ORDERED)) if shape < 0.85 else Said("size", (self.path(),))

    def _prefixed(self) -> object:
        return self.path() if self.odds(2) else Literal(self._pick(_PREFIXES))

    # Updates

    def update(self) -> list[Said]:
        """Actions in the order of their sections, each section once."""
        sections = self.chance.sample(("SET", "REMOVE", "ADD", "DELETE"), self._pick((1, 1, 2, 3)))
        return [self._action(word) for word in sections for _ in range(self._pick((1, 1, 2, 3)))]

    def _action(self, word: str) -> Said:
        path = self.path()
        if word == "REMOVE":
            return Said(word, (path,))
        if word == "SET" and self.odds(30):
            return Said(
                word, (_DEEP[: self._pick((28, 31))], Literal(self._nested(self._pick((0, 1, 2, 4)))))
            )
        if word == "SET":
            return Said(word, (path, self._set_value()))
        pool: Sequence[object] = _VALUES if self.odds(20) else _ADDENDS if word == "ADD" else _SETS
        return Said(word, (path, Literal(self._pick(pool))))

    def _set_value(self) -> object:
        shape = self.chance.random()
        if shape < 0.35:
            return Literal(self._pick(_VALUES))
        if shape < 0.45:
            return self.path()
        if shape < 0.6:
            return Said(self._pick("+-"), (self._addend(), self._addend()))
        if shape < 0.75:
            return Said("list_append", (self._list(), self._list()))
        if shape < 0.95:
            return self._if_not_exists(self._any_stored())
        return self._ill_set_value()

    def _if_not_exists(self, otherwise: object) -> Said:
        return Said("if_not_exists", (self.path(), otherwise))

    def _any_stored(self) -> object:
        if self.odds(8):
            return self._if_not_exists(Literal(self._pick(_VALUES)))
        return self.path() if self.odds(3) else Literal(self._pick(_VALUES))

    def _addend(self) -> object:
        shape = self.chance.random()
        if shape < 0.4:
            return self.path()
        number = Literal(self._pick(_ADDENDS[:6]))
        return self._if_not_exists(number) if shape < 0.6 else number

    def _list(self) -> object:
        shape = self.chance.random()
        if shape < 0.4:
            return self.path()
        some = Literal(self._pick(([], [1], ["a", [b"b"]])))
        return self._if_not_exists(some) if shape < 0.6 else some

    def _ill_set_value(self) -> object:
        wrong = self._pick((Undefined(":none"), Literal("a"), Literal(1), self._wrong_setter(), self.path()))
        word = self._pick(("+", "-", "list_append", "if_not_exists", ""))
        if not word:
            return wrong
        operands = [self._pick((self._addend(), self._list())), wrong]
        if self.odds(2):
            operands.reverse()
        if word.islower() and self.odds(4):
            operands = operands[:1] if self.odds(2) else [*operands, self.path()]
        return Said(word, tuple(operands))

    def _wrong_setter(self) -> Said:
        word = self._pick(("list_append", "size", "contains", "frobnicate", "if_not_exists"))
        return Said(word, tuple(self._any_stored() for _ in range(self._pick((1, 2, 2)))))

    # Projections

    def projection(self) -> list[Path]:
        return [self.path() for _ in range(self._pick((1, 2, 2, 3, 4)))]

    # Key conditions

    def key(self) -> Key:
        return self._pick(
            (
                Key(("a",), ()),
                Key(("a",), ("b",)),
                Key(("a",), ("b",)),
                Key(("a",), ("b",)),
                Key(("a", "c.d"), ("b", "name")),
                Key(("a",), ("b", "name", "c.d")),
            )
        )

    def key_condition(self, key: Key) -> Said:
        tests = [self._key_test(name, ("=",)) for name in key.hashes]
        tested = key.ranges[: self.chance.randrange(len(key.ranges) + 1)]
        tests += [self._key_test(name, ("=",) if name != tested[-1] else _KEY_WORDS) for name in tested]
        if self.odds(8):
            tests[self.chance.randrange(len(tests))] = self._key_test(self._pick(_NAMES), _KEY_WORDS)
        if self.odds(8):
            tests.append(self._key_test(self._pick(_NAMES), _KEY_WORDS))
        if self.odds(10):
            tests[self.chance.randrange(len(tests))] = self._leaf()
        self.chance.shuffle(tests)
        condition = tests[0] if len(tests) == 1 else Said("AND", tuple(tests))
        if self.odds(20):
            condition = Said("NOT", (condition,)) if self.odds(2) else Said("OR", (condition, self._leaf()))
            return Said("NOT", (condition,)) if condition.word == "NOT" and self.odds(2) else condition
        return condition

    def _key_test(self, name: str, words: Sequence[str]) -> Said:
        word = self._pick(words)
        if word == "BETWEEN":
            return Said(word, ((name,), *self._bounds()))
        operands: tuple[object, ...] = ((name,), Literal(self._pick(_ORDERED)))
        if word == "begins_with":
            return Said(word, ((name,), Literal(self._pick(_PREFIXES))))
        return Said(word, operands[::-1] if self.odds(6) else operands)


_LEAF_WORDS = (
    *COMPARATORS,
    "=",
    "BETWEEN",
    "BETWEEN",
    "IN",
    "IN",
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "begins_with",
    "contains",
    "contains",
)
_KEY_WORDS = ("=", "<", "<=", ">", ">=", "BETWEEN", "begins_with")
_SORTED_PAIRS = ((0, 1), (-3, 10**37), (_TINY, _HUGE), ("", "a"), ("a", "ab"), (b"a", b"\xff"), (1, 1))


class Script:
    """An expression written down: its text, and the placeholders the text stands on.

    Letter case, blanks, parentheses and which names are placeholders are left to chance.
    """

    def __init__(self, fuzz: Fuzz) -> None:
        self._fuzz = fuzz
        self._random = fuzz.chance.random
        self.names: dict[str, str] = {}
        self.values: dict[str, object] = {}
        self.is_bare = fuzz.odds(40)
        """Whether the reserved word among the names is written as it is."""
        self.is_doubled = False
        """Whether a pair of parentheses stands directly in another."""

    # Conditions

    def condition(self, said: Said, within: str = "") -> str:
        word = said.word
        if word in ("AND", "OR"):
            glue = f" {self._case(word)} "
            text = glue.join([self.condition(each, word) for each in said.operands])  # type: ignore[arg-type]
            needed = within == "NOT" or (within == "AND" and word == "OR") or within == word
            return self._grouped(text) if needed or self._random() < 0.2 else text
        if word == "NOT":
            return f"{self._case(word)} {self.condition(said.operands[0], word)}"  # type: ignore[arg-type]
        text = self._leaf(word, [self._operand(operand) for operand in said.operands])
        return self._grouped(text) if self._random() < 0.05 else text

    def _grouped(self, text: str) -> str:
        if self._random() < 0.005:
            self.is_doubled = True
            return f"(({text}))"
        return f"({text})"

    def _leaf(self, word: str, operands: list[str]) -> str:
        if word in COMPARATORS:
            blank = " " if self._random() < 0.8 else ""
            return f"{operands[0]}{blank}{word}{blank}{operands[1]}"
        if word == "BETWEEN":
            between, conjunction = self._case(word), self._case("AND")
            return f"{operands[0]} {between} {operands[1]} {conjunction} {operands[2]}"
        if word == "IN":
            return f"{operands[0]} {self._case(word)} ({', '.join(operands[1:])})"
        return f"{word}({','.join(operands)})"

    # Operands

    def _operand(self, operand: object) -> str:
        if isinstance(operand, Literal):
            text = self._value(operand.value)
        elif isinstance(operand, Said):
            text = f"{operand.word}({', '.join([self._operand(each) for each in operand.operands])})"
        elif isinstance(operand, Undefined):
            text = operand.placeholder
        else:
            assert isinstance(operand, tuple)
            text = self.path(operand)
        return f"({text})" if self._random() < 0.05 else text

    def _value(self, value: object) -> str:
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def path(self, path: Path) -> str:
        steps = [f"[{step}]" if isinstance(step, int) else f".{self._name(step)}" for step in path]
        return "".join(steps)[1:]

    def _name(self, name: object) -> str:
        if isinstance(name, Undefined):
            return name.placeholder
        assert isinstance(name, str)
        if (name in ("a", "b") and self._random() < 0.7) or (name == "name" and self.is_bare):
            return name
        placeholder = f"#n{_NAMES.index(name)}"
        self.names[placeholder] = name
        return placeholder

    def _case(self, word: str) -> str:
        return word if self._random() < 0.7 else word.lower()

    # Updates and projections

    def update(self, actions: Sequence[Said]) -> str:
        words: list[str] = []
        last = ""
        for action in actions:
            words.append("," if action.word == last else self._case(action.word))
            last = action.word
            path, *rest = action.operands
            assert isinstance(path, tuple)
            words.append(self.path(path))
            if action.word == "SET":
                words.append("=")
            words += [self._action_value(action.word, value) for value in rest]
        return " ".join(words)

    def _action_value(self, word: str, value: object) -> str:
        if word != "SET":
            assert isinstance(value, Literal)
            return self._value(value.value)
        if isinstance(value, Said) and value.word in ("+", "-"):
            one, other = [self._operand(operand) for operand in value.operands]
            text = f"{one} {value.word} {other}"
            return f"({text})" if self._random() < 0.05 else text
        return self._operand(value)

    def projection(self, paths: Sequence[Path]) -> str:
        return (", " if self._random() < 0.7 else ",").join([self.path(path) for path in paths])
