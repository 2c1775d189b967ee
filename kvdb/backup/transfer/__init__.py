"""Export and import: the items of a table as files of a common format, and back.

Reading order: ``records`` (what files consist of), ``json_records``, ``cbor_records``, ``csv_records``
(the formats), ``compression``, ``layout`` (names and manifests, the service's); then ``source`` (what is
read of a table) and ``export``; ``objects`` (what an import reads), ``load`` and ``table_target``; at last
``kinds`` (both as jobs) and ``calls``.

Invariants: an export exists once its summary does, which is written last. What is read is foreign: sizes,
names, checksums and nesting are checked or bounded. A record that cannot be imported is told of and
counted. Memory does not grow with the table.
"""
