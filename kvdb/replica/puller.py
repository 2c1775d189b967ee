"""Pulls what one peer has: a job that has one question under way at a time.

    say hello -> greeting: who answers, which tables are shared -> pull -> pages -> pull -> ...

When a page says that there is more, the next question goes out before the page is taken in, so that peer and
wire work meanwhile. What it asks for goes on from where the page ends; should that not be taken after all,
then neither is what comes next, for it does not begin where the table is.

Each table has its own link, with its own progress and its own faults: what is wrong with one does not hold
up the others. A question that is not answered within ``ANSWER_MS_MAX`` is given up, and an answer that
comes later is thrown away: so no page is ever taken in that was made longer ago than that, which is what
lets tombstones be forgotten at all (``replica/acks``). After a failure the next question waits, longer each
time, up to ``BACKOFF_MS_MAX``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from kvdb import limits
from kvdb.api.replicas import LinkStatus
from kvdb.api.session_token import Place
from kvdb.env.env import Env
from kvdb.env.hlc import region_number
from kvdb.errors import CorruptionError, DiskFull, KvdbError, ReadOnlyDegraded, ValidationError
from kvdb.lsm.engine import Engine
from kvdb.replica import topology
from kvdb.replica.acks import Acks
from kvdb.replica.applier import SKEW_MS_MAX, Applier, PeerFault
from kvdb.replica.hearsay import Hearsay
from kvdb.replica.link import ReplicaLink
from kvdb.replica.messages import (
    AHEAD,
    BEGIN,
    FEATURES,
    OK,
    OTHER_TABLE,
    SCAN,
    SCANNED,
    SEEDING,
    TRIMMED,
    UNSHARED,
    WAIT,
    WRITES,
    Greeting,
    Hello,
    Message,
    Pages,
    Part,
    Pull,
    Refusal,
    Refused,
    Report,
    SharedTable,
    Want,
    decode,
    encode,
)
from kvdb.replica.progress import Progress, decode_progress
from kvdb.replica.topology import Unshareable
from kvdb.table import replica_keys, row
from kvdb.table.catalog import Catalog, Table
from kvdb.table.settings import must_begin_anew, relayed_since

_log = logging.getLogger("kvdb.replica")

ANSWER_MS_MAX: Final = 10_000
HELLO_MS: Final = 2_000
"""How often a peer is asked which tables are shared."""
IDLE_MS: Final = 25
BACKOFF_MS: Final = 50
BACKOFF_MS_MAX: Final = 3_000
HURRY_MS: Final = 1_000
"""A peer that asks, but does not answer as it should, is asked again no sooner."""
REASON_CHARS_MAX: Final = 300
FRAMES_PER_STEP: Final = 4
STORED_EVERY: Final = 50_000
"""A position that moves on without rows is stored when it has moved this far."""


@dataclass(slots=True)
class TableLink:
    """One table's link to the peer."""

    table: Table
    uuid: str
    """Of the peer's table."""
    progress: Progress
    kept: int = 0
    """What is durable of the position."""
    status: LinkStatus = "CREATING"
    fault: str = ""
    due_ms: int = 0
    """After a fault: not before. By the monotonic clock."""
    failures: int = 0
    latency_ms: int = 0
    """How old the newest version was when it was taken in, the last time there was one."""
    conflicts: int = 0
    is_peer_seeding: bool = False
    applied: int = 0
    """One more than up to where all of the peer's writes are in the table here, durably; 0: not all are."""
    has: dict[int, Place] = field(default_factory=dict)
    """Up to where what relays through the peer is here, by the numbers of regions; replaced as a whole."""
    ahead: Progress | None = None
    """Where it will be when the page that is being taken in has been."""

    def is_at(self, want: Want) -> bool:
        """Whether what was asked for goes on from where the table is."""
        at = self.progress
        return (want.mode, want.position, want.cursor) == (at.mode, at.position, at.cursor)

    @property
    def is_met(self) -> bool:
        """Whether there is nothing at the peer that this table has to wait for."""
        return self.progress.mode == WRITES or self.is_peer_seeding


class Puller:
    """Job: for one peer."""

    def __init__(
        self,
        peer: str,
        link: ReplicaLink,
        catalog: Catalog,
        engine: Engine,
        env: Env,
        acks: Acks,
        applier: Applier,
        hearsay: Hearsay,
        *,
        region: str,
        number: int,
        bytes_per_s_max: int | None = None,
        on_changed: Callable[[], None] = lambda: None,
        on_met: Callable[[Table], None] = lambda table: None,
        on_moved: Callable[[Table], None] = lambda table: None,
    ) -> None:
        """``on_changed``: called when a table was made, or its settings changed, as the peer says;
        ``on_met``: when all that the peer has of a table was taken in, or there is nothing to wait for;
        ``on_moved``: when a link has come further."""
        self.name = f"replica-{peer}"
        self.peer = peer
        self._link = link
        self._catalog = catalog
        self._engine = engine
        self._env = env
        self._acks = acks
        self._applier = applier
        self._hearsay = hearsay
        self._region = region
        self._number = number
        self._bytes_per_s_max = bytes_per_s_max
        self._on_changed = on_changed
        self._on_met = on_met
        self._on_moved = on_moved
        self._last_id = int.from_bytes(env.entropy.bytes(5))
        self._asked: Message | None = None
        self._asked_ms = 0
        self._due_ms = 0
        self._paid_ms = 0
        """When all that has come may have come, at the most bytes a second there may be."""
        self._failures = 0
        self._greeting: Greeting | None = None
        self._greeted_ms = 0
        self._news_due_ms = 0
        self._hurried_ms = 0
        self.links: dict[str, TableLink] = {}
        """By table name; replaced as a whole."""
        self.refused: dict[str, str] = {}
        """Tables that the peer would share and that cannot be, and why."""
        self.fault = "not heard of yet"
        """What is wrong with the peer as a whole; empty: nothing."""
        self.fault_since_ms = env.clock.wall_ms()
        """While there is a fault: since when. By the wall clock."""
        self.is_paused = False
        self._latency = env.metrics.histogram("replica_latency_ms")
        self._faults = env.metrics.counter("replica_faults_total")

    @property
    def is_connected(self) -> bool:
        """Whether the peer answered the last question."""
        return not self.fault

    @property
    def greeted_ms(self) -> int:
        """When the peer last told which tables it shares, by the monotonic clock."""
        return self._greeted_ms

    def step(self, now_ms: int) -> int | None:
        """Take in what has come, and ask the next question."""
        for _ in range(FRAMES_PER_STEP):
            frame = self._link.receive()
            if frame is None:
                break
            self._receive(frame)
        if self.is_paused:
            return None
        now = self._now_ms()
        if self._asked is not None and now - self._asked_ms >= ANSWER_MS_MAX:
            self._failed("no answer")
        if self._asked is not None:
            return max(1, self._asked_ms + ANSWER_MS_MAX - now)
        if now >= max(self._due_ms, self._paid_ms):
            self._ask(now)
        if self._asked is not None:
            return ANSWER_MS_MAX
        return max(1, self._due_ms - now, self._paid_ms - now)

    def _now_ms(self) -> int:
        return self._env.clock.monotonic_ns() // 1_000_000

    # Asking.

    def _ask(self, now: int) -> None:
        self._last_id += 1
        wants = self._wants(now)
        greeting = self._greeting
        if greeting is None or now - self._greeted_ms >= HELLO_MS or self._may_wait_for_news(now):
            # Who has something to pull must not wait for the answer to this.
            known = 0 if greeting is None or self.links else greeting.topology
            refused = tuple(Refused(name, reason[:REASON_CHARS_MAX]) for name, reason in self.refused.items())
            self._asked = Hello(self._last_id, self._region, self._number, FEATURES, known, refused)
        elif wants:
            self._asked = Pull(self._last_id, self._region, greeting.database_id, wants, greeting.topology)
        else:
            later = [link.due_ms for link in self.links.values() if link.due_ms > now]
            self._due_ms = min([self._greeted_ms + HELLO_MS, *later])
            return
        self._asked_ms = now
        self._link.send(encode(self._asked))

    def _may_wait_for_news(self, now: int) -> bool:
        """Whether nothing is shared, and the peer can tell at once when something is; if it does not wait
        with its answer, as it should, it is not asked again and again."""
        return not self.links and self._greeting is not None and now >= self._news_due_ms

    def _wants(self, now: int) -> list[Want]:
        wants: list[Want] = []
        for name, link in self.links.items():
            if now >= link.due_ms and self._may_pull(link):
                at = link.progress if link.ahead is None else link.ahead
                own_uuid = link.table.descriptor.uuid
                wants.append(
                    Want(name, link.uuid, own_uuid, at.mode, at.position, link.kept, at.cursor, link.applied)
                )
        return wants[: limits.REPLICATED_TABLES_MAX]

    def _may_pull(self, link: TableLink) -> bool:
        if must_begin_anew(link.table.descriptor):
            link.status = "NEEDS_RESEED"
            link.fault = "this region was taken out and added again while it was away: begin anew here"
        if link.status == "NEEDS_RESEED":
            return False
        if self._acks.is_lost(link.table, self.peer, link.uuid):
            link.status, link.fault = (
                "LOST",
                "no contact for too long: the table must begin anew in one of the two regions",
            )
            return False
        return True

    # Hearing.

    def _receive(self, frame: bytes) -> None:
        if self._bytes_per_s_max is not None:
            # Of use or not: it has come, and no failure or haste makes up for it.
            took_ms = len(frame) * 1000 // self._bytes_per_s_max
            self._paid_ms = max(self._paid_ms, self._now_ms()) + took_ms
        try:
            message = decode(frame)
        except CorruptionError as error:
            self._faults.add()
            if self._asked is not None:
                self._failed(error.message)
            return
        asked = self._asked
        if asked is None or message.id != asked.id:
            if isinstance(message, Refusal) and message.id == 0 and asked is not None:
                self._failed(message.reason)
            return
        if self._now_ms() - self._asked_ms >= ANSWER_MS_MAX:
            return
        self._asked = None
        try:
            self._hear(asked, message)
        except ReadOnlyDegraded as error:
            self.is_paused = True
            self.fault = error.message
        except (PeerFault, KvdbError) as error:
            self._failed(str(error))

    def _hear(self, asked: Message, message: Message) -> None:
        if isinstance(message, Greeting) and isinstance(asked, Hello):
            self._greeted(message)
            is_news = message.topology != asked.known
            self._news_due_ms = 0 if is_news else self._asked_ms + HELLO_MS
            self._succeeded(0)
        elif isinstance(message, Pages) and isinstance(asked, Pull):
            if (message.region, message.database_id) != (self.peer, asked.database_id):
                raise PeerFault("another region or database answers")
            has_more = self._take_pages(asked, message)
            if message.topology != asked.known:
                self._greeting = None
            self._succeeded(0 if has_more else IDLE_MS)
        elif isinstance(message, Refusal):
            self._greeting = None
            raise PeerFault(message.reason)
        else:
            raise PeerFault("the answer is to another kind of question")

    def _succeeded(self, pause_ms: int) -> None:
        self._failures = 0
        self.fault = ""
        self._due_ms = self._now_ms() + pause_ms

    def _failed(self, reason: str) -> None:
        if reason != self.fault:
            _log.warning("a peer does not answer as it should peer=%s reason=%s", self.peer, reason)
        self._faults.add()
        self._asked = None
        self._greeting = None
        if not self.fault:
            self.fault_since_ms = self._env.clock.wall_ms()
        self.fault = reason
        self._due_ms = self._now_ms() + self._backoff_ms(self._failures)
        self._failures += 1

    def _backoff_ms(self, failures: int) -> int:
        longest = min(BACKOFF_MS_MAX, BACKOFF_MS << min(failures, 16))
        return int(longest * (0.5 + 0.5 * self._env.entropy.fraction()))

    # Greetings.

    def _greeted(self, greeting: Greeting) -> None:
        if greeting.region != self.peer:
            raise PeerFault(f"region {greeting.region} answers")
        if greeting.number == self._number or greeting.number != region_number(self.peer):
            raise PeerFault(f"the region has a number that is not its own: {greeting.number}")
        if greeting.database_id == self._engine.database_id:
            raise PeerFault("this very database answers")
        links: dict[str, TableLink] = {}
        refused: dict[str, str] = {}
        latest_ms = self._env.clock.wall_ms() + SKEW_MS_MAX
        for shared in greeting.tables[: limits.REPLICATED_TABLES_MAX]:
            before = topology.named(self._catalog, shared.name)
            described = None if before is None else before.descriptor
            try:
                table = topology.adopt(
                    self._catalog,
                    self._engine,
                    shared,
                    peer=self.peer,
                    region=self._region,
                    latest_ms=latest_ms,
                    on_rejoined=self._acks.go_apart,
                )
            except Unshareable as error:
                refused[shared.name] = str(error)
                continue
            after = topology.named(self._catalog, shared.name)
            if after is not None and after.descriptor is not described:
                self._on_changed()
            if table is not None:
                self._note_reports(table, shared)
                link = self._link_of(table, shared, greeting.database_id)
                if link is not None:
                    links[shared.name] = link
        self.links, self.refused = links, refused
        self._greeting = greeting
        self._greeted_ms = self._now_ms()
        for link in links.values():
            self._on_moved(link.table)

    def _note_reports(self, table: Table, shared: SharedTable) -> None:
        setting = table.descriptor.replication
        regions = set(() if setting is None else setting.peers)
        told = [
            report for report in shared.reports if report.region in regions and report.region != self.peer
        ]
        reports = [*told, Report(self.peer, 0, int(not topology.is_seeding(shared)))]
        self._hearsay.note(shared.name, self.peer, reports, now_ms=self._now_ms())

    def _link_of(self, table: Table, shared: SharedTable, database_id: bytes) -> TableLink | None:
        """The link there is, or one that goes on from its stored progress, or one that begins, once the
        peer knows of the same regions."""
        present = self.links.get(shared.name)
        if present is not None and present.table is not table:
            present = None
        if not topology.knows(shared, table):
            return present
        setting = table.descriptor.replication
        assert setting is not None, "the table is shared"
        relayed = relayed_since(table.descriptor)
        progress = Progress(database_id, shared.uuid, regions=setting.regions, relayed=relayed)
        stored = self._engine.get(replica_keys.link_key(table.descriptor.table_id, self.peer))
        known = decode_progress(stored) if present is None and stored is not None else None
        if present is not None:
            known = present.progress
        if (
            known is not None
            and (known.database_id, known.uuid) == (database_id, shared.uuid)
            and known.follows(setting.regions, relayed)
        ):
            if present is not None:
                present.progress = known._replace(regions=setting.regions)
                return present
            progress = known._replace(regions=setting.regions)
        elif known is not None:
            progress = progress._replace(seen=known.seen)
        link = TableLink(table, shared.uuid, progress, kept=progress.position)
        link.status = "ACTIVE" if progress.mode == WRITES else "CREATING"
        return link

    # Pages.

    def _take_pages(self, asked: Pull, pages: Pages) -> bool:
        """Whether there may be more at once."""
        wanted = {want.table: want for want in asked.wants}
        has_more = len(pages.parts) < len(asked.wants)
        parts: list[tuple[TableLink, Part]] = []
        for part in pages.parts:
            link = self.links.get(part.table)
            want = wanted.pop(part.table, None)
            if want is None:
                raise PeerFault("pages of a table that was not asked for")
            if link is not None and link.uuid == part.uuid == want.uuid and link.is_at(want):
                parts.append((link, part))
        try:
            if self._bytes_per_s_max is None and any(part.more for _, part in parts):
                self._ask_ahead(parts)
            for link, part in parts:
                try:
                    has_more = self._take_part(link, part) or has_more
                    link.failures = 0
                    setting = link.table.descriptor.replication
                    if link.is_met and setting is not None and setting.is_seeding:
                        self._on_met(link.table)
                    self._on_moved(link.table)
                except PeerFault as error:
                    self._fault(link, str(error))
                except DiskFull as error:
                    # The peer is in order, and so is the page: it is asked for again until there is room.
                    self._fault(link, f"nothing can be taken in here: {error.message}")
        finally:
            for link, _ in parts:
                link.ahead = None
        return has_more

    def _ask_ahead(self, parts: list[tuple[TableLink, Part]]) -> None:
        for link, part in parts:
            if part.status in (OK, SCANNED):
                with suppress(PeerFault):
                    link.ahead = _moved(link.table, link.progress, part)
        self._ask(self._now_ms())

    def _fault(self, link: TableLink, reason: str) -> None:
        if link.fault != reason:
            _log.warning(
                "a page was refused peer=%s table=%s reason=%s", self.peer, link.table.descriptor.name, reason
            )
        self._faults.add()
        link.status, link.fault = "REFUSED", reason
        link.due_ms = self._now_ms() + self._backoff_ms(link.failures)
        link.failures += 1

    def _take_part(self, link: TableLink, part: Part) -> bool:
        progress = link.progress
        name = link.table.descriptor.name
        if part.status in (WAIT, SEEDING):
            link.is_peer_seeding = part.status == SEEDING
            return False
        if part.status in (UNSHARED, OTHER_TABLE):
            # The next greeting says what became of it.
            self._greeting = None
            return False
        if part.status == TRIMMED:
            link.status = "NEEDS_RESEED"
            link.fault = "this region was away for too long: the table must begin anew here"
            _log.error("a table must begin anew table=%s peer=%s", name, self.peer)
            return False
        if part.status == AHEAD:
            _log.error("a peer has lost writes, its table is scanned again table=%s peer=%s", name, self.peer)
            begun = Progress(
                progress.database_id,
                progress.uuid,
                regions=progress.regions,
                relayed=progress.relayed,
                seen=progress.seen,
            )
            self._store(link, [], begun)
            return True
        if part.status not in (OK, SCANNED):
            raise PeerFault(
                f"an answer that is not known here: status {part.status}; the peer is of another release"
            )
        return self._take_rows(link, part)

    def _take_rows(self, link: TableLink, part: Part) -> bool:
        # Before the rows can be read here.
        progress = _having_seen(link.progress, part, region_number(self.peer))
        moved = _moved(link.table, progress, part)
        link.progress = progress
        if progress.mode == WRITES and not part.rows and part.position - link.kept < STORED_EVERY:
            link.status, link.fault = "ACTIVE", ""
            link.progress = moved
        else:
            self._store(link, part.rows, moved)
        if moved.is_settled:
            link.applied = moved.position + 1
            has = {each.region: Place(each.origin, each.has - 1) for each in part.reaches if each.has}
            link.has = has or link.has
        return bool(part.rows) or progress.mode != WRITES

    def _store(self, link: TableLink, rows: list[bytes], progress: Progress) -> None:
        taken = self._applier.take(link.table, self.peer, rows, progress, link.progress)
        link.progress, link.kept = progress, progress.position
        link.status, link.fault = ("ACTIVE" if progress.mode == WRITES else "CREATING"), ""
        link.conflicts += taken.conflicts
        if taken.newest_ms and progress.mode == WRITES:
            link.latency_ms = max(0, self._env.clock.wall_ms() - taken.newest_ms)
            self._latency.observe(link.latency_ms)

    def hurry(self) -> None:
        """The peer was heard: it is there, and need not be waited for as long as one that is silent."""
        now = self._now_ms()
        if self.fault and now - self._hurried_ms >= HURRY_MS:
            self._hurried_ms, self._due_ms = now, min(now, self._due_ms)

    def refresh(self) -> None:
        """Ask soon which tables are shared: something has changed here."""
        self._greeting = None
        self._due_ms = 0

    def close(self) -> None:
        self.is_paused = True
        self._link.close()


def _moved(table: Table, progress: Progress, part: Part) -> Progress:
    """Where a table is once it has what a part brings.

    Raises:
        PeerFault: not further than it was, or not where its last item is: such a scan need never end.
    """
    if progress.mode == BEGIN:
        return progress._replace(mode=SCAN, position=part.position, cursor=b"")
    if progress.mode == SCAN:
        if part.status == SCANNED:
            return progress._replace(mode=WRITES, cursor=b"")
        if part.cursor <= progress.cursor or not part.rows:
            raise PeerFault("a scan that does not move on")
        if part.cursor[1:] != _row_part(table, part.rows[-1]):
            raise PeerFault("a scan that is not where its last item is")
        return progress._replace(cursor=part.cursor)
    if part.position < progress.position:
        raise PeerFault("a position that goes back")
    return progress._replace(position=part.position)


def _row_part(table: Table, version: bytes) -> bytes:
    try:
        return replica_keys.row_part(table.keys.of_item(row.item_of(version)))
    except (CorruptionError, ValidationError) as error:
        raise PeerFault(f"a version that is none: {error.message}") from error


def _having_seen(progress: Progress, part: Part, peer: int) -> Progress:
    """With what will have been seen of every region's writes when a page was taken in; see ``positions``."""
    if not part.reaches:
        return progress._replace(seen=()) if part.rows else progress
    seen = {region: Place(origin, seqno) for region, origin, seqno in progress.seen}
    settles = progress.settles
    for region, origin, seqno, _ in part.reaches:
        if region == peer and (progress.mode != WRITES or not progress.seen):
            settles = max(settles, seqno)
        known = seen.get(region)
        if (part.rows or not progress.seen) and (
            known is None or known.origin != origin or known.seqno < seqno
        ):
            seen[region] = Place(origin, seqno)
    return progress._replace(
        seen=tuple((region, *place) for region, place in sorted(seen.items())), settles=settles
    )
