"""Expressions: conditions, filters, key conditions, projections and updates, as text or built in Python.

The room is pure: it knows items, never tables or disk. Text goes in with a request's
placeholders; out come objects to be asked of items. In reading order:

    messages.py       the service's words for every fault, with their sources
    lexer.py          text -> tokens
    nodes.py          the tree of a parsed expression
    reserved.py       words that cannot stand as a bare name
    parser.py         tokens -> tree; all faults of the text alone
    names.py          #name and :value placeholders of one request
    checks.py         what a request's names and values must be for a tree to make sense
    operands.py       a path or value -> "what is it for this item?"
    condition.py      tree -> closures -> "does it hold for this item?"
    projection.py     paths -> "this item with only those"
    update_checks.py  the same as checks.py, for updates
    update.py         actions -> "what becomes of this item"
    key_condition.py  tree -> partition value and sort-key bound
    compiler.py       the door: compile_condition, compile_update, ...
    rendering.py      what is built, and the text and placeholders it is written as
    builder.py        Key and Attr, which write expression texts for callers
    update_builder.py Set, Remove, Add and Delete, likewise

Invariants: what depends on the text alone is worked out once a text and kept in a
bounded cache; what depends on a request is bound once a request; per item nothing is
parsed, checked or resolved. No input makes this room raise anything but
``ValidationError``, and none makes it recurse past ``limits.EXPRESSION_DEPTH_MAX``.
"""
