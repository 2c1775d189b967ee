"""``kvdb transact write | get``: several items at once, or none.

The members are one JSON list, whose items and keys are in the form of ``json_form``:

    write   [{"put":    {"table": T, "item": {...}, "condition": TEXT, "names": {...}, "values": {...}}},
             {"update": {"table": T, "key": {...}, "update": TEXT, ...}},
             {"delete": {"table": T, "key": {...}, ...}},
             {"check":  {"table": T, "key": {...}, "condition": TEXT, ...}}]
    get     [{"table": T, "key": {...}, "projection": TEXT, "names": {...}}]

A writing member may hold ``"return_old_on_failure": true``. What a member lacks or has too much is
told by its place, counted from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import click

from kvdb.api.items import GetItem, TransactWriteAction
from kvdb.cli.json_form import from_json
from kvdb.cli.json_options import json_option, text_of_json
from kvdb.cli.output import show_absent, show_heading, show_item
from kvdb.cli.session_option import open_in_session, replicate_options, session_option
from kvdb.cli.target import target_options
from kvdb.client import actions
from kvdb.item.value import Item

Field = Mapping[str, type]


class _Form(NamedTuple):
    """What a member may hold and must hold, and the function that takes its fields by position."""

    make: Callable[..., TransactWriteAction | GetItem]
    required: Field
    optional: Field


_EXPRESSION: Field = {"condition": str, "names": dict, "values": dict, "return_old_on_failure": bool}
_CHECK: Field = {name: kind for name, kind in _EXPRESSION.items() if name != "condition"}
_WRITES: Mapping[str, _Form] = {
    "put": _Form(actions.put, {"table": str, "item": dict}, _EXPRESSION),
    "update": _Form(actions.update, {"table": str, "key": dict, "update": str}, _EXPRESSION),
    "delete": _Form(actions.delete, {"table": str, "key": dict}, _EXPRESSION),
    "check": _Form(actions.check, {"table": str, "key": dict, "condition": str}, _CHECK),
}
_GET = _Form(actions.get, {"table": str, "key": dict}, {"projection": str, "names": dict})
_KINDS: Mapping[type, str] = {str: "a text", dict: "an object", bool: "true or false"}


@click.group()
def transact() -> None:
    """Write or read several items at once: all of them or none."""


@transact.command()
@click.argument("members", metavar="MEMBERS_JSON")
@click.option(
    "--token", metavar="TEXT", help="Sent again within ten minutes with the same token, it is done once."
)
@session_option
@replicate_options
@target_options
def write(
    members: str,
    token: str | None,
    replicate_to: int | None,
    replicate_timeout: float | None,
    endpoint: str | None,
    data_dir: str | None,
) -> None:
    """Make all writes of a JSON list, or none; - reads it from standard input.

    \b
    kvdb transact write '[
      {"put": {"table": "orders", "item": {"id": 7, "sku": "A1"},
               "condition": "attribute_not_exists(id)"}},
      {"update": {"table": "stock", "key": {"sku": "A1"}, "update": "SET n = n - :one",
                  "condition": "n >= :one", "values": {":one": 1}}},
      {"check": {"table": "shops", "key": {"id": "main"}, "condition": "attribute_exists(id)"}}]'

    Members are put, update, delete and check. When it is refused, standard error has a line for each
    member that was; exit code 4 when only conditions did not hold.
    """
    writes = [_write_of(member, place) for place, member in _members(members)]
    with open_in_session(endpoint, data_dir) as db:
        db.transact_write(writes, token=token, replicate_to=replicate_to, replicate_timeout=replicate_timeout)


@transact.command()
@click.argument("members", metavar="MEMBERS_JSON")
@json_option
@session_option
@target_options
def get(members: str, as_json: bool, endpoint: str | None, data_dir: str | None) -> None:
    """Print the items of a JSON list of keys, all as of one moment; - reads it from standard input.

    \b
    kvdb transact get '[{"table": "orders", "key": {"id": 7}}, {"table": "stock", "key": {"sku": "A1"}}]'

    They come in the order asked for; with --json `null` stands where there is no item.
    """
    gets = [_get_of(member, place) for place, member in _members(members)]
    with open_in_session(endpoint, data_dir) as db:
        found = db.transact_get(gets)
    for place, (request, item) in enumerate(zip(gets, found, strict=True), start=1):
        _show(place, request, item, as_json=as_json)


def _show(place: int, request: GetItem, item: Item | None, *, as_json: bool) -> None:
    if not as_json:
        absent = "" if item is not None else ": no such item"
        show_heading(f"{place}: {request.table_name}{absent}")
    if item is not None:
        show_item(item, list(request.key), as_json=as_json)
    elif as_json:
        show_absent()


def _members(text: str) -> list[tuple[int, object]]:
    try:
        members = from_json(text_of_json(text))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="MEMBERS_JSON") from None
    if not isinstance(members, list):
        raise click.BadParameter("not a JSON list", param_hint="MEMBERS_JSON")
    return list(enumerate(members, start=1))


def _write_of(member: object, place: int) -> TransactWriteAction:
    if isinstance(member, dict) and len(member) == 1:
        ((kind, fields),) = member.items()
        if kind in _WRITES:
            made = _made(_WRITES[kind], fields, place)
            assert not isinstance(made, GetItem)
            return made
    raise _bad(place, f'must be {{"KIND": {{...}}}}, KIND one of {", ".join(_WRITES)}')


def _get_of(member: object, place: int) -> GetItem:
    made = _made(_GET, member, place)
    assert isinstance(made, GetItem)
    return made


def _made(form: _Form, fields: object, place: int) -> TransactWriteAction | GetItem:
    known = {**form.required, **form.optional}
    if not isinstance(fields, dict):
        raise _bad(place, "must hold an object")
    for name, value in fields.items():
        if name not in known:
            raise _bad(place, f"has no field {name!r}; known are {', '.join(known)}")
        if not isinstance(value, known[name]):
            raise _bad(place, f"{name} must be {_KINDS[known[name]]}")
    for name in form.required:
        if name not in fields:
            raise _bad(place, f"lacks {name}")
    return form.make(
        *(fields[name] for name in form.required),
        **{name: fields[name] for name in form.optional if name in fields},
    )


def _bad(place: int, message: str) -> click.BadParameter:
    return click.BadParameter(f"member {place} {message}", param_hint="MEMBERS_JSON")
