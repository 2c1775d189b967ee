from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from kvdb.cli.json_options import expression_options, item_argument, json_option
from kvdb.item.value import Item


@click.command()
@item_argument("key")
@expression_options
@json_option
def shown(key: Item, names: dict[str, str] | None, values: Item | None, as_json: bool) -> None:
    click.echo(repr((key, names, values, as_json)))


def test_what_is_not_given_is_absent() -> None:
    assert CliRunner().invoke(shown, ["{}"]).stdout == "({}, None, None, False)\n"


def test_json_becomes_plain_values() -> None:
    arguments = ['{"a": 1}', "--names", '{"#n": "x"}', "--values", '{":v": {"$bytes": "YQ=="}}', "--json"]

    assert CliRunner().invoke(shown, arguments).stdout == "({'a': 1}, {'#n': 'x'}, {':v': b'a'}, True)\n"


def test_a_dash_is_standard_input() -> None:
    assert CliRunner().invoke(shown, ["-"], input='{"a": 1}\n').stdout == "({'a': 1}, None, None, False)\n"


@pytest.mark.parametrize("stdin", [b"", b"\xff", b'{"a": "\xff"}'])
def test_standard_input_that_is_no_item_is_a_usage_error(stdin: bytes) -> None:
    assert CliRunner().invoke(shown, ["-"], input=stdin).exit_code == 2
