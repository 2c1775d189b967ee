"""Tokens know their kind, their text and where they stand."""

from __future__ import annotations

import pytest

from kvdb.expr.lexer import TokenKind, tokenize


def kinds(text: str) -> list[TokenKind]:
    return [token.kind for token in tokenize(text)]


def words(text: str) -> list[str]:
    return [token.word for token in tokenize(text)]


def test_a_comparison_has_three_tokens_and_an_end() -> None:
    assert kinds("price >= :p") == [
        TokenKind.NAME,
        TokenKind.SYMBOL,
        TokenKind.VALUE_PLACEHOLDER,
        TokenKind.END,
    ]


def test_a_token_stands_where_its_text_does() -> None:
    text = "  a.#b[12] <> :c"
    for token in tokenize(text)[:-1]:
        assert text[token.start : token.end] == token.text


def test_the_end_stands_behind_the_last_character() -> None:
    end = tokenize("a ")[-1]
    assert (end.kind, end.text, end.start, end.end) == (TokenKind.END, "<EOF>", 2, 2)


@pytest.mark.parametrize("keyword", ["and", "Or", "NOT", "between", "iN", "set", "REMOVE", "add", "Delete"])
def test_keywords_are_known_in_any_case(keyword: str) -> None:
    token = tokenize(keyword)[0]
    assert token.kind is TokenKind.KEYWORD
    assert token.word == keyword.upper()
    assert token.text == keyword


def test_a_name_that_begins_like_a_keyword_is_a_name() -> None:
    assert kinds("android")[0] is TokenKind.NAME


def test_two_character_symbols_are_read_whole() -> None:
    assert words("<><=>=<>=") == ["<>", "<=", ">=", "<>", "=", "<EOF>"]


def test_placeholders_may_begin_with_a_digit_or_underscore() -> None:
    assert kinds("#0 #_ :9a") == [
        TokenKind.NAME_PLACEHOLDER,
        TokenKind.NAME_PLACEHOLDER,
        TokenKind.VALUE_PLACEHOLDER,
        TokenKind.END,
    ]


@pytest.mark.parametrize("text", ["#", ":", "_", "!", "$", "é", '"', "\x00", "\u00a0"])
def test_a_character_outside_the_language_is_a_token_of_its_own(text: str) -> None:
    assert kinds(text) == [TokenKind.UNKNOWN, TokenKind.END]


def test_a_bare_name_does_not_begin_with_an_underscore() -> None:
    assert words("_id") == ["_", "id", "<EOF>"]


def test_an_index_has_no_leading_zero() -> None:
    assert words("[007]") == ["[", "0", "0", "7", "]", "<EOF>"]


def test_an_empty_text_has_only_an_end() -> None:
    assert kinds("") == [TokenKind.END]
    assert kinds(" \t\r\n") == [TokenKind.END]
