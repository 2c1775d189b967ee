"""Expression text -> tokens that know where they stand.

    name    := letter (letter | digit | "_")*          a bare attribute or function name
    keyword := AND OR NOT BETWEEN IN SET REMOVE ADD DELETE, in any case
    #name   := "#" (letter | digit | "_")+             :value likewise
    index   := "0" | digit without 0, digit*
    symbol  := = <> < <= > >= ( ) [ ] . , + -

Blanks, tabs and line ends separate tokens. Any other character is a token of its own
that no grammar rule takes, so the parser reports it like any other syntax error.

Source: messages of the real service; a bare name may not begin with "_"
(``token: "_", near: "AND __"``), and update keywords are keywords everywhere
(``token: "ADD", near: "ADD #v"``, aws-sdk-net#2528).
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple


class TokenKind(Enum):
    NAME = auto()
    KEYWORD = auto()
    NAME_PLACEHOLDER = auto()
    VALUE_PLACEHOLDER = auto()
    INDEX = auto()
    SYMBOL = auto()
    UNKNOWN = auto()
    END = auto()


class Token(NamedTuple):
    kind: TokenKind
    text: str
    """As written; a keyword in upper case shows in ``word``."""
    start: int
    end: int
    """Half-open range of characters in the expression."""

    @property
    def word(self) -> str:
        """What the grammar compares with: the text, a keyword's in upper case."""
        return self.text.upper() if self.kind is TokenKind.KEYWORD else self.text


KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "REMOVE", "ADD", "DELETE"})

_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<NAME>[A-Za-z][A-Za-z0-9_]*)
      | (?P<NAME_PLACEHOLDER>\#[A-Za-z0-9_]+)
      | (?P<VALUE_PLACEHOLDER>:[A-Za-z0-9_]+)
      | (?P<INDEX>0|[1-9][0-9]*)
      | (?P<SYMBOL><>|<=|>=|[=<>()\[\].,+-])
      | (?P<UNKNOWN>[^ \t\r\n])
    )""",
    re.VERBOSE,
)


def tokenize(text: str) -> list[Token]:
    """All tokens of ``text``, then one ``END``. Never fails. Cost: one pass."""
    tokens = []
    for match in _TOKEN.finditer(text):
        group = match.lastgroup
        assert group is not None
        word = match[group]
        kind = TokenKind[group]
        if kind is TokenKind.NAME and word.upper() in KEYWORDS:
            kind = TokenKind.KEYWORD
        tokens.append(Token(kind, word, match.start(group), match.end(group)))
    tokens.append(Token(TokenKind.END, "<EOF>", len(text), len(text)))
    return tokens
