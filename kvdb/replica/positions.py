"""What of every region's writes to a table is here: at most, and at least.

*Seen* is the most: no write of a region beyond it shows here. It is what a session's token is made of. *Has*
is the least: every write of a region up to it is here. A region serves a session once it has all that the
session has seen. Both are seqnos of the region where a write was made, with what stands for its table there
(``api/session_token.origin_of``).

The two differ. A page has items as they stand when it is made, so it may show later writes than its position
says, and writes of a third region, which the item's writer had taken in; a scan shows them before it ends. So
a page says by its ``reaches`` what its maker had seen once its rows were read, and who takes it in has seen
that, too, before the rows can be read here. What a region has of a peer is the position of its link, once the
link has scanned. What it has of a region that only others are linked with is what they had when they made a
page that ended at their present; that goes for tables that relay, no others send such writes on.

When a region is taken out, whoever knows that begins all links anew, and who does not has to hear of it
before it serves a session of who does (``session_token.GONE``). So it has what the others had taken in of
that region, and a session that was served since has nothing more to ask of it. A session that was not is only
served where the link to that region had come as far: what it had sent to nobody is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kvdb.api.session_token import GONE, Place, View, origin_of
from kvdb.env.hlc import region_number
from kvdb.errors import ReplicaBehind, ValidationError
from kvdb.lsm.engine import Engine
from kvdb.replica.acks import Acks
from kvdb.replica.messages import BEGIN, Reach
from kvdb.replica.progress import Progress, decode_progress
from kvdb.replica.puller import Puller, TableLink
from kvdb.table import replica_keys
from kvdb.table.catalog import Table
from kvdb.table.descriptor import ReplicationSetting
from kvdb.table.settings import region_changes, relayed_since


class Positions:
    """Of all shared tables of one database."""

    def __init__(
        self, engine: Engine, acks: Acks, pullers: Mapping[str, Puller], *, region: str, number: int
    ) -> None:
        self._engine = engine
        self._acks = acks
        self._pullers = pullers
        self.region = region
        self._number = number

    def newest_write(self, table: Table) -> int:
        """The seqno of the newest write that this region has to tell of; none that shows here is later."""
        notes = replica_keys.writes_range(table.descriptor.table_id, 0, replica_keys.SEQNO_MAX)
        for key, _ in self._engine.scan(*notes, reverse=True):
            return replica_keys.seqno_of(key)
        return self._acks.trimmed(table)

    # What was seen at most.

    def written(self, table: Table) -> View:
        """What somebody has seen who has written here, and was told nothing."""
        own = Place(self._own_origin(table), self.newest_write(table))
        return {self._number: own, **self._gone(table)}

    def seen(self, table: Table) -> View:
        """What somebody may have seen who has read here until now.

        Raises:
            ReplicaBehind: a peer has not told yet how far its writes reach that are here.
        """
        return {**self._seen(table, self.newest_write(table)), **self._gone(table)}

    def _seen(self, table: Table, own_seqno: int) -> dict[int, Place]:
        peers = _setting(table).peers
        links = {peer: self._progress(table, peer) for peer in peers}
        carried: dict[int, list[Place]] = {}
        for peer, progress in links.items():
            if progress is None:
                continue
            if not progress.seen and progress.mode != BEGIN:
                raise ReplicaBehind(
                    f"region {peer} has not told yet how far its writes have come to region {self.region}, "
                    f"or is of an older release table={table.descriptor.name}"
                )
            for region, origin, seqno in progress.seen:
                carried.setdefault(region, []).append(Place(origin, seqno))
        places = {self._number: Place(self._own_origin(table), own_seqno)}
        for peer, progress in links.items():
            number = region_number(peer)
            found = carried.get(number)
            if not found:
                continue
            origin = found[-1].origin
            if progress is not None:
                origin = origin_of(progress.database_id, progress.uuid)
            places[number] = Place(
                origin, max((each.seqno for each in found if each.origin == origin), default=0)
            )
        return places

    def reaches(
        self, table: Table, has: Mapping[int, Place], own_seqno: int | None = None
    ) -> tuple[Reach, ...]:
        """What a page says of itself, whose rows have been read. Empty: that cannot be said yet.

        ``has`` is what this region had before the page was begun, if it leaves nothing out; ``own_seqno``:
        as far as its rows show writes made here, if that is known.
        """
        try:
            seen = self._seen(table, self.newest_write(table) if own_seqno is None else own_seqno)
        except ReplicaBehind:
            return ()
        return tuple(
            Reach(
                region, place.origin, place.seqno, has[region].seqno + 1 if _same(has, region, place) else 0
            )
            for region, place in {**{each: Place(had.origin, 0) for each, had in has.items()}, **seen}.items()
        )

    # What is here at least.

    def has(self, table: Table) -> dict[int, Place]:
        """What of other regions' writes is here, and goes on to peers."""
        setting = _setting(table)
        if not setting.relays:
            return {}
        found: dict[int, Place] = {}
        for peer in setting.peers:
            number = region_number(peer)
            known = [*self._relayed(table, setting, number)]
            direct = self._direct(table, setting, peer)
            if direct is not None:
                known = [direct, *(each for each in known if each.origin == direct.origin)]
            if known:
                found[number] = max(known, key=lambda each: each.seqno)
        return found

    def lack(self, table: Table, view: View, since_ms: int) -> str | None:
        """What a session has seen that is not here: the name of its region; ``None``: all of it is here.

        ``since_ms`` is when the session began to wait, by the monotonic clock.

        Raises:
            ValidationError: it never will be.
        """
        setting = table.descriptor.replication
        if setting is None or not setting.is_on:
            raise ValidationError(
                "the session has seen the table in another region, and it is not shared here: "
                f"{table.descriptor.name}"
            )
        names = {region_number(name): name for name in setting.peers}
        for number, place in view.items():
            if number == self._number:
                self._check_own(table, place)
                continue
            name = names.get(number)
            if place.origin == GONE:
                if name is not None and self._changes(table)[name][0] < place.seqno:
                    return name
                continue
            if name is None:
                lacking = self._lack_of_gone(table, number, place)
            else:
                lacking = self._lack_of(table, setting, name, place, since_ms)
            if lacking is not None:
                return lacking
        return None

    def _gone(self, table: Table) -> dict[int, Place]:
        """The regions that the table was taken out of."""
        return {
            region_number(name): Place(GONE, changed)
            for name, (changed, is_in) in self._changes(table).items()
            if not is_in
        }

    def _changes(self, table: Table) -> dict[str, tuple[int, bool]]:
        """When each region came to the table or was taken out, as a number that grows, and which of both."""
        return {
            name: (wall_ms << 16 | counter, is_in)
            for name, ((wall_ms, counter, _), is_in) in region_changes(table.descriptor).items()
        }

    def _check_own(self, table: Table, own: Place) -> None:
        if own.origin != self._own_origin(table):
            raise ValidationError(
                f"the session has seen region {self.region} with another database or table: "
                f"begin a new session table={table.descriptor.name}"
            )
        if own.seqno > self._engine.last_seqno:
            raise ValidationError(
                f"the session has seen what region {self.region} has yet to write: begin a new session "
                f"table={table.descriptor.name}"
            )

    def _lack_of_gone(self, table: Table, number: int, place: Place) -> str | None:
        """As ``lack``, of a region that is not among those of the table any more."""
        for key, stored in self._engine.scan(*replica_keys.links_range(table.descriptor.table_id)):
            if region_number(replica_keys.region_of(key)) == number:
                progress = decode_progress(stored)
                origin = origin_of(progress.database_id, progress.uuid)
                if progress.is_settled and origin == place.origin and progress.position >= place.seqno:
                    return None
        raise ValidationError(
            "the session has seen a region that was taken out, some of whose writes may not have come to "
            f"region {self.region}: begin a new session table={table.descriptor.name}"
        )

    def _lack_of(
        self, table: Table, setting: ReplicationSetting, name: str, place: Place, since_ms: int
    ) -> str | None:
        direct = self._direct(table, setting, name)
        known = [*self._relayed(table, setting, region_number(name)), *([] if direct is None else [direct])]
        if any(each.origin == place.origin and each.seqno >= place.seqno for each in known):
            return None
        puller = self._pullers.get(name)
        if puller is None:
            if not setting.relays:
                raise ValidationError(
                    f"the session has seen region {name}, which is no peer of region {self.region}, and the "
                    f"table is not relayed: table={table.descriptor.name}"
                )
            return name
        link = puller.links.get(table.descriptor.name)
        if (
            link is not None
            and puller.is_connected
            and puller.greeted_ms > since_ms
            and origin_of(link.progress.database_id, link.uuid) != place.origin
        ):
            raise ValidationError(
                f"the session has seen region {name} with another database or table: begin a new session "
                f"table={table.descriptor.name}"
            )
        return name

    def _direct(self, table: Table, setting: ReplicationSetting, peer: str) -> Place | None:
        """Up to where a peer's writes are here; ``None``: not before its items were scanned."""
        progress = self._progress(table, peer)
        if progress is None or not progress.is_settled:
            return None
        if not progress.follows(setting.regions, relayed_since(table.descriptor)):
            return None
        return Place(origin_of(progress.database_id, progress.uuid), progress.position)

    def _relayed(self, table: Table, setting: ReplicationSetting, number: int) -> Iterator[Place]:
        for peer in setting.peers:
            link = self._link(table, peer)
            if link is not None and link.progress.is_settled and number in link.has:
                yield link.has[number]

    def _link(self, table: Table, peer: str) -> TableLink | None:
        puller = self._pullers.get(peer)
        link = None if puller is None else puller.links.get(table.descriptor.name)
        return link if link is not None and link.table is table else None

    def _progress(self, table: Table, peer: str) -> Progress | None:
        """As it is, or as it was stored, where the peer was not heard of since the database was opened."""
        link = self._link(table, peer)
        if link is not None:
            return link.progress
        stored = self._engine.get(replica_keys.link_key(table.descriptor.table_id, peer))
        return None if stored is None else decode_progress(stored)

    def _own_origin(self, table: Table) -> bytes:
        return origin_of(self._engine.database_id, table.descriptor.uuid)


def _setting(table: Table) -> ReplicationSetting:
    setting = table.descriptor.replication
    assert setting is not None, "the table is shared"
    return setting


def _same(has: Mapping[int, Place], region: int, place: Place) -> bool:
    return region in has and has[region].origin == place.origin
