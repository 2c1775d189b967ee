"""Peers prove who they are by certificates, by tokens, or by both; whoever cannot gets nothing."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc import aio

import kvdb
from kvdb.api.replicas import DescribeReplicas
from kvdb.api.tables import CreateReplica, UpdateTable
from kvdb.client.sync import Client
from kvdb.env.clock import SystemClock
from kvdb.env.hlc import region_number
from kvdb.errors import KvdbError, ValidationError
from kvdb.options import DatabaseOptions, ServerOptions
from kvdb.replica.messages import Greeting, Hello, Message, Refusal, decode, encode
from kvdb.rpc.gen import replicas_pb2
from kvdb.server import peer_security, replica_door
from kvdb.server.app import Addresses
from kvdb.server.peer_security import PeerSecurity
from kvdb.server.replica_link import EXCHANGE, GrpcReplicaLink
from tests.support.certificates import Authority, Issued
from tests.support.served import event_loop_thread, in_memory_options, served_doors
from tests.support.waiting import eventually, free_port

TOKEN, OTHER_TOKEN = "0123456789abcdef" * 3, "fedcba9876543210" * 3
HELLO = Hello(7, "berlin", region_number("berlin"))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    path.write_text(f"{TOKEN}\n")
    return path


def of_region(region: str, **changes: object) -> ServerOptions:
    database = DatabaseOptions(region_name=region, region=region_number(region))
    defaults = {"database": database, "replication_address": "127.0.0.1:0"}
    return in_memory_options(**{**defaults, **changes})


def certified(region: str, authority: Authority, **changes: object) -> ServerOptions:
    issued = authority.issue(region, [region])
    files = {"peer_cert": issued.cert, "peer_key": issued.key, "peer_ca": authority.file}
    return of_region(region, **{**files, **changes})


def ask(
    address: str | None,
    *,
    shown: Issued | None = None,
    trusted: bytes | None = None,
    tokens: tuple[str, ...] = (),
    message: Message = HELLO,
) -> Message:
    """What a peer of no kvdb is answered. ``trusted``: the authority it goes by; ``None``: plaintext."""

    channel = grpc.insecure_channel(str(address))
    if trusted is not None:
        cert, key = (None, None) if shown is None else shown.contents()
        credentials = grpc.ssl_channel_credentials(trusted, key, cert)
        name = [("grpc.ssl_target_name_override", "amsterdam")]
        channel = grpc.secure_channel(str(address), credentials, name)
    with channel:
        answers = channel.stream_stream(
            EXCHANGE,
            request_serializer=replicas_pb2.ReplicaFrame.SerializeToString,
            response_deserializer=replicas_pb2.ReplicaFrame.FromString,
        )(
            iter([replicas_pb2.ReplicaFrame(payload=encode(message))]),
            metadata=[("authorization", token) for token in tokens],
            timeout=30,
        )
        return decode(next(answers).payload)


def test_who_has_the_certificate_of_a_region_may_speak_for_it_and_nobody_else(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    berlin = authority.issue("berlin", ["berlin"])
    with served_doors(certified("amsterdam", authority)) as doors:
        answer = ask(doors.replication, shown=berlin, trusted=authority.pem)
        assert isinstance(answer, Greeting)
        assert answer.region == "amsterdam"
        for shown in (
            None,
            stranger.issue("berlin", ["berlin"]),
            authority.issue("berlin", ["berlin"], file_name="expired", is_expired=True),
        ):
            with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
                ask(doors.replication, shown=shown, trusted=authority.pem)
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            ask(doors.replication)
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            ask(doors.replication, shown=berlin, trusted=stranger.pem)
        for shown in (
            authority.issue("berlin", ["cairo"], file_name="another region"),
            authority.issue("berlin", file_name="no alternative name"),
            authority.issue("berlin", ["*", "*.berlin", "berlin.example"], file_name="nearly"),
        ):
            refused = ask(doors.replication, shown=shown, trusted=authority.pem)
            assert refused == Refusal(7, "who asks has no certificate of region berlin")


@pytest.mark.filterwarnings("ignore:ssl.OP_NO:DeprecationWarning")
@pytest.mark.parametrize("weakness", ["TLS 1.1", "a weak cipher"])
def test_old_tls_and_weak_ciphers_are_not_spoken_to_peers(authority: Authority, weakness: str) -> None:
    berlin = authority.issue("berlin", ["berlin"])
    with served_doors(certified("amsterdam", authority)) as doors:
        host, _, port = str(doors.replication).rpartition(":")
        for is_old in (False, True):
            context = ssl.create_default_context(cafile=authority.file)
            context.load_cert_chain(berlin.cert, berlin.key)
            context.set_alpn_protocols(["h2"])
            if is_old and weakness == "TLS 1.1":
                context.options &= ~ssl.OP_NO_TLSv1_1
                context.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
            elif is_old:
                context.maximum_version = ssl.TLSVersion.TLSv1_2
                context.set_ciphers("ECDHE-ECDSA-AES128-SHA")
            with socket.create_connection((host, int(port)), 30) as plain, ExitStack() as stack:
                if is_old:
                    stack.enter_context(pytest.raises(OSError, match=r"(?i)ssl|protocol|version|cipher"))
                with context.wrap_socket(plain, server_hostname="amsterdam") as wrapped:
                    assert wrapped.version() in ("TLSv1.2", "TLSv1.3")


def test_who_has_a_token_is_answered_and_nobody_else(token_file: Path) -> None:
    token_file.write_text(f"{TOKEN}\n{OTHER_TOKEN}\n")
    with served_doors(of_region("amsterdam", peer_token_file=str(token_file))) as doors:
        for token in (TOKEN, OTHER_TOKEN):
            assert isinstance(ask(doors.replication, tokens=(f"Bearer {token}",)), Greeting)
        for tokens in (
            (),
            ("Bearer ",),
            (f"Bearer {TOKEN[:-1]}",),
            (f"Bearer {TOKEN}x",),
            ("Bearer wrong",),
            (f"Bearer {TOKEN}", f"Bearer {TOKEN}"),
        ):
            with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
                ask(doors.replication, tokens=tokens)


def test_a_certificate_alone_does_not_do_where_a_token_is_needed_too(
    authority: Authority, token_file: Path
) -> None:
    berlin = authority.issue("berlin", ["berlin"])
    options = certified("amsterdam", authority, peer_token_file=str(token_file))
    with served_doors(options) as doors:
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            ask(doors.replication, shown=berlin, trusted=authority.pem)
        tokens = (f"Bearer {TOKEN}",)
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            ask(doors.replication, trusted=authority.pem, tokens=tokens)
        answer = ask(doors.replication, shown=berlin, trusted=authority.pem, tokens=tokens)
        assert isinstance(answer, Greeting)


def test_the_port_of_clients_answers_no_peer_when_there_is_one_for_peers(authority: Authority) -> None:
    with served_doors(certified("amsterdam", authority)) as doors, served_doors(in_memory_options()) as old:
        with pytest.raises(grpc.RpcError, match="UNIMPLEMENTED"):
            ask(doors.grpc)
        assert isinstance(ask(old.grpc), Greeting)
        with kvdb.connect(f"grpc://{doors.grpc}") as db:
            assert list(db.tables()) == []


def test_the_port_of_peers_answers_no_client() -> None:
    with (
        served_doors(of_region("amsterdam")) as doors,
        kvdb.connect(f"grpc://{doors.replication}") as db,
        pytest.raises(KvdbError),
    ):
        db.create_table("orders", key=("id", "S"))


def test_peers_may_be_answered_without_a_grpc_door() -> None:
    options = of_region("amsterdam", grpc_address=None, http_address="127.0.0.1:0")
    with served_doors(options) as doors:
        assert isinstance(ask(doors.replication), Greeting)


def test_who_opens_a_stream_and_asks_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_door, "FIRST_FRAME_MS", 50)
    end = threading.Event()

    def nothing() -> Iterator[object]:
        end.wait(60)
        yield from ()

    with (
        served_doors(of_region("amsterdam")) as doors,
        grpc.insecure_channel(str(doors.replication)) as channel,
    ):
        answers = channel.stream_stream(EXCHANGE)(nothing(), timeout=30)
        with pytest.raises(grpc.RpcError, match="no question came"):
            next(answers)
        end.set()


def lost(options: ServerOptions, url: str) -> str:
    """Why a link to berlin gets no answer."""
    arrived = threading.Event()
    with event_loop_thread() as run:
        security = PeerSecurity(options, SystemClock())

        async def made() -> GrpcReplicaLink:
            loop = asyncio.get_running_loop()
            return GrpcReplicaLink("berlin", url, security, loop, arrived.set)

        link = run(made)
        assert isinstance(link, GrpcReplicaLink)
        link.send(encode(Hello(1, "amsterdam", region_number("amsterdam"))))
        assert arrived.wait(30)
        frame = link.receive()
        assert frame is not None
        answer = decode(frame)
        link.close()

        async def settled() -> None:
            await asyncio.gather(link._task, return_exceptions=True)

        run(settled)
    return answer.reason if isinstance(answer, Refusal) else ""


def test_only_a_server_with_the_certificate_of_its_region_is_asked(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    asking = certified("amsterdam", authority)
    with served_doors(certified("berlin", authority)) as right:
        assert lost(asking, f"grpcs://{right.replication}") == ""
        distrusting = certified("amsterdam", stranger)
        reason = lost(distrusting, f"grpcs://{right.replication}")
        assert "SIGNATURE" in reason or "CERTIFICATE_VERIFY_FAILED" in reason
        strange = stranger.issue("amsterdam", ["amsterdam"], file_name="strange")
        trusting = tmp_path / "both.pem"
        trusting.write_bytes(authority.pem + stranger.pem)
        shown = {"peer_cert": strange.cert, "peer_key": strange.key, "peer_ca": str(trusting)}
        reason = lost(of_region("amsterdam", **shown), f"grpcs://{right.replication}")
        assert "does the peer accept the certificate of this region?" in reason
    with served_doors(certified("cairo", authority)) as other_region:
        assert "Hostname Verification" in lost(asking, f"grpcs://{other_region.replication}")
    with served_doors(of_region("berlin")) as plain:
        assert "UNAVAILABLE" in lost(asking, f"grpcs://{plain.replication}")


def test_a_server_whose_certificate_has_run_out_is_not_asked(authority: Authority) -> None:
    expired = authority.issue("berlin", ["berlin"], is_expired=True)
    cert, key = expired.contents()

    async def answering() -> tuple[aio.Server, int]:
        server = aio.server()
        credentials = grpc.ssl_server_credentials([(key, cert)], authority.pem, True)
        port = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
        return server, port

    with event_loop_thread() as run:
        server, port = run(answering)  # type: ignore[misc]
        reason = lost(certified("amsterdam", authority), f"grpcs://127.0.0.1:{port}")
        run(lambda: server.stop(None))
    assert "certificate has expired" in reason


# Two regions, while certificates and tokens change.


class Pair:
    """Amsterdam and berlin share a table; each pulls from the other."""

    def __init__(self, stack: ExitStack, options: Callable[[str], ServerOptions], scheme: str) -> None:
        ports = [free_port(), free_port()]
        names = ("amsterdam", "berlin")
        self.clients: list[Client] = []
        self.doors: list[Addresses] = []
        for name, other, port, other_port in zip(names, names[::-1], ports, ports[::-1], strict=True):
            doors = stack.enter_context(
                served_doors(
                    replace(
                        options(name),
                        replication_address=f"127.0.0.1:{port}",
                        peers=((other, f"{scheme}://127.0.0.1:{other_port}"),),
                    )
                )
            )
            self.doors.append(doors)
            self.clients.append(stack.enter_context(kvdb.connect(f"grpc://{doors.grpc}")))
        self.clients[0].create_table("orders", key=("id", "S"))
        creation = [CreateReplica("berlin")]
        eventually(lambda: self.clients[0].call(UpdateTable("orders", replica_updates=creation)) is not None)
        eventually(lambda: "orders" in list(self.clients[1].tables()))

    def exchange(self, identity: str) -> None:
        """Something of each comes to the other."""
        for at, client in enumerate(self.clients):
            client.table("orders").put({"id": f"{identity}-{at}"})
        eventually(
            lambda: all(
                client.table("orders").get({"id": f"{identity}-{at}"}) is not None
                for client in self.clients
                for at in range(2)
            )
        )

    def described(self) -> str:
        return repr([client.call(DescribeReplicas()) for client in self.clients])


@pytest.fixture
def always_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(peer_security, "READ_MS", 0)
    yield


@pytest.mark.usefixtures("always_read")
def test_certificates_and_their_authority_are_replaced_while_regions_exchange(
    authority: Authority, tmp_path: Path
) -> None:
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(authority.pem)

    def options(name: str) -> ServerOptions:
        return certified(name, authority, peer_ca=str(trusted))

    successor = Authority(tmp_path, "successor")
    with ExitStack() as stack:
        pair = Pair(stack, options, "grpcs")
        pair.exchange("before")
        trusted.write_bytes(authority.pem + successor.pem)
        pair.exchange("both are trusted")
        for name in ("amsterdam", "berlin"):
            successor.issue(name, [name], file_name=f"authority-{name}")
            pair.exchange(f"{name} has another")
        trusted.write_bytes(successor.pem)
        pair.exchange("only the successor is trusted")
        old = authority.issue("berlin", ["berlin"], file_name="old")
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            ask(pair.doors[0].replication, shown=old, trusted=successor.pem)
        # What cannot be read changes nothing.
        trusted.unlink()
        pair.exchange("the file is gone")
        new = Issued(str(tmp_path / "authority-berlin.crt"), str(tmp_path / "authority-berlin.key"))
        assert isinstance(ask(pair.doors[0].replication, shown=new, trusted=successor.pem), Greeting)
        trusted.write_bytes(successor.pem)
        # What is none keeps its region from asking until there is a right one again.
        Path(new.cert).write_bytes(b"-----BEGIN CERTIFICATE-----\nhalf of one")
        eventually(lambda: "UNAVAILABLE" in repr(pair.clients[1].call(DescribeReplicas())))
        successor.issue("berlin", ["berlin"], file_name="authority-berlin")
        pair.exchange("it is whole again")


@pytest.mark.usefixtures("always_read")
def test_tokens_are_replaced_while_regions_exchange_and_are_told_to_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    third = "third-token-" * 4
    files = {name: tmp_path / f"tokens-{name}" for name in ("amsterdam", "berlin")}

    def options(name: str) -> ServerOptions:
        files[name].write_text(f"{TOKEN}\n")
        return of_region(name, peer_token_file=str(files[name]))

    with ExitStack() as stack:
        pair = Pair(stack, options, "grpc")
        pair.exchange("before")
        for text in (f"{TOKEN}\n{OTHER_TOKEN}\n", f"{OTHER_TOKEN}\n{TOKEN}\n", f"{OTHER_TOKEN}\n"):
            for name, path in files.items():
                path.write_text(text)
                pair.exchange(f"{name} {text[:4]} {len(text)}")
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            ask(pair.doors[0].replication, tokens=(f"Bearer {TOKEN}",))
        # Of one that is withdrawn nothing more comes, also by a stream that was opened with it.
        files["amsterdam"].write_text(f"{third}\n")
        eventually(lambda: "UNAUTHENTICATED" in repr(pair.clients[1].call(DescribeReplicas())))
        told = caplog.text + pair.described()
    assert not any(token in told for token in (TOKEN, OTHER_TOKEN, third))


# What is refused at the start.


def fault(options: ServerOptions) -> str:
    with pytest.raises(ValidationError) as refused, served_doors(options):
        pass
    return refused.value.message


def test_a_certificate_that_peers_would_refuse_is_refused_at_the_start(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, "stranger")
    right = authority.issue("amsterdam", ["amsterdam"])
    for shown, authority_file, reason in (
        (authority.issue("amsterdam", ["berlin"], file_name="a"), authority.file, "ostname"),
        (authority.issue("amsterdam", file_name="b"), authority.file, "ostname"),
        (
            authority.issue("amsterdam", ["amsterdam"], file_name="c", is_expired=True),
            authority.file,
            "expired",
        ),
        (right, stranger.file, "reason="),
        (Issued(right.cert, authority.issue("other").key), authority.file, "MISMATCH"),
        (
            authority.issue("amsterdam", ["amsterdam"], file_name="d", password=b"x"),
            authority.file,
            "reason=",
        ),
        (Issued(right.key, right.key), authority.file, "reason="),
        (right, right.key, "reason="),
    ):
        files = {"peer_cert": shown.cert, "peer_key": shown.key, "peer_ca": authority_file}
        told = fault(of_region("amsterdam", **files))
        assert "the certificate for peers does not do" in told
        assert reason in told
    absent = {"peer_cert": str(tmp_path / "absent"), "peer_key": right.key, "peer_ca": authority.file}
    assert "cannot be read" in fault(of_region("amsterdam", **absent))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "lines=0"),
        (b"\n\n", "lines=0"),
        (b"short\n", "32 to 1024"),
        (b"with a space " * 4, "ASCII and no spaces"),
        (bytes(range(128, 192)), "ASCII and no spaces"),
        (b"x" * 1025, "32 to 1024"),
        ((b"0123456789abcdef" * 3 + b"\n") * 5, "lines=5"),
        (b"x" * 300_000, "too large"),
    ],
)
def test_a_token_that_is_none_is_refused_at_the_start_and_not_shown(
    token_file: Path, content: bytes, reason: str
) -> None:
    token_file.write_bytes(content)
    told = fault(of_region("amsterdam", peer_token_file=str(token_file)))
    assert reason in told
    assert not content.strip() or content.decode("latin-1").split()[0] not in told


def test_peers_beyond_this_machine_need_certificates_or_a_word_that_they_do_not(
    authority: Authority, token_file: Path
) -> None:
    away = (("berlin", "grpc://192.0.2.1:7400"),)
    tokens = {"peer_token_file": str(token_file)}
    assert "nothing encrypted over grpc://" in fault(of_region("amsterdam", peers=away))
    assert "nothing encrypted over grpc://" in fault(of_region("amsterdam", peers=away, **tokens))
    named = (("berlin", "grpc://berlin.example:7400"),)
    assert "nothing encrypted over grpc://" in fault(certified("amsterdam", authority, peers=named))
    assert "needs a certificate" in fault(of_region("amsterdam", peers=(("berlin", "grpcs://192.0.2.1:1"),)))
    for url in (
        "192.0.2.1:7400",
        "grpcs://192.0.2.1",
        "grpcs://:1",
        "grpcs://a:0",
        "http://a:1",
        "grpc://a:b",
    ):
        told = fault(certified("amsterdam", authority, peers=(("berlin", url),)))
        assert "must be grpc://HOST:PORT or grpcs://HOST:PORT" in told
    everywhere = {"replication_address": "0.0.0.0:0"}
    assert "only a loopback address" in fault(of_region("amsterdam", **everywhere))
    assert "only a loopback address" in fault(of_region("amsterdam", **everywhere, **tokens))
    for options in (
        certified("amsterdam", authority, **everywhere),
        of_region("amsterdam", **everywhere, **tokens, peers=away, is_insecure=True),
        certified("amsterdam", authority, peers=(("berlin", "grpcs://192.0.2.1:7400"),)),
    ):
        with served_doors(options):
            pass


def test_options_that_only_make_sense_together_are_refused_apart() -> None:
    with pytest.raises(ValidationError, match="come together"):
        in_memory_options(peer_cert="a", peer_key="b", replication_address="127.0.0.1:0")
    for half in ({"peer_token_file": "a"}, {"peer_cert": "a", "peer_key": "b", "peer_ca": "c"}):
        with pytest.raises(ValidationError, match="port of their own"):
            in_memory_options(**half)
