"""Regions: databases that share tables, each of which takes reads and writes on its own.

Reading order: ``table/lineage`` and ``table/shipping`` (what a write leaves for peers), ``conflict``,
``functions``, ``conflict_log``, ``messages``, ``link``, ``progress``, ``holds``, ``hearsay``, ``source``,
``applier``, ``puller``, ``acks``, ``positions``, ``waits``, ``topology``, ``regions``.

What travels is versions: rows and tombstones, whole, each with its stamp and with what it includes of other
regions' writes. Only an item that was written in a region travels from there, unless the table relays; what
travels is the item as it stands by then, so a version from elsewhere may come along with one's own. Every
region pulls from every other one, and any two versions of an item have one outcome (``conflict``), so in
whatever order and however often versions arrive, regions that have exchanged all of them are the same.

- A region that is new to a table takes in everything that *each* peer has, as it stands there at one moment
  (``holds``), and then follows its writes from that moment on.
- Transactions are atomic where they are made; elsewhere their items arrive one by one, as at the service.
- Conditions, reads and unique names are about the region they are asked in. A table with a unique index
  cannot be shared.
- Indexes follow from the items in each region; so do its streams, which record what was taken in, too, in
  the order in which it was. Items expire in each region by its own clock; that takes the version that
  expired, and nothing that was written elsewhere later.
- Items are deleted by tombstones, which are kept for twice the horizon. Who was away for longer than the
  horizon begins anew: see ``acks``.
- Clocks follow the stamps they see; a stamp too far ahead is not taken in: see ``applier``.
- A table's settings travel, each by itself (``table/settings``): indexes, time to live, stream, billing and
  throughput, regions, resolver. Indexes are filled in each region. Tags, deletion protection and
  point-in-time recovery are each region's own.
"""
