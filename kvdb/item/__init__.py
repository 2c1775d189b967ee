"""Items: what is stored, as plain Python, and every form of it in bytes or text.

Reading order: ``value`` (the ten types, and the one door they come in by), ``number``
(38 digits), ``size`` (what counts against 400 KB), ``path`` (a place in an item),
``order`` (keys as bytes that sort), ``codec`` (items as stored), ``dynamo_json`` (items
as the service writes them).

Invariants:

- An item is *normalised* once, by ``value.normalise_item``, when it enters; every other
  function here takes normalised values and keeps them so.
- Equal values have one form: one Python object, one key, one stored encoding.
- What is read from bytes or JSON is checked before it is followed: depth and length are
  bounded, and the error is the one documented, never another.
- Everything is pure. No module here touches time, chance, files or threads.

This room sits under every row that is read or written: a microsecond here is paid on each.
"""
