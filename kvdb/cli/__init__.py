"""The command line: the public client, with options in front and tables or JSON behind.

Reading order: ``main`` (the commands, error to exit code), ``exits``, ``target`` (which
database), ``serve``, ``table`` with ``table_options``, ``tags``, ``items``, ``query``, ``transact``,
``import_file``; what they share: ``json_options``, ``json_form`` (items as plain JSON), ``lines``
(files of items), ``output``, ``render``, ``value_text``.

Invariants: data goes to standard output, everything else to standard error; what a user can
get wrong ends in one line and an exit code, never in a traceback; only ``serve`` needs the
server's packages. Nothing here knows a rule of the database: it asks the client.
"""
