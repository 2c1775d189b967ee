"""Coverage-guided fuzzing of what reads bytes of others, from the corpus in the tree.

    python -m tests.support.fuzz --seconds 60                  every target, a minute each
    python -m tests.support.fuzz --target request --seconds 600
    python -m tests.support.fuzz --target request --input FILE   one input again

Needs atheris, which exists for Python below 3.12 on Linux; elsewhere it says so and ends well. What
is found goes to ``build/fuzz/<target>``: new inputs, and ``crash-*`` for one that failed. A failure
worth keeping is copied into ``tests/fuzz/corpus/<target>``, which ``make test`` replays.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys

from tests.support import fuzz_targets

FOUND = os.path.join("build", "fuzz")
INPUT_BYTES_MAX = 8192
MEMORY_MB_MAX = 1024
INPUT_SECONDS_MAX = 10


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.fuzz", description=__doc__)
    parser.add_argument("--target", choices=sorted(fuzz_targets.TARGETS), help="default: one after another")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--input", help="a file: run the target on it and end")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.input is not None:
        if chosen.target is None:
            parser.error("--input needs --target")
        with open(chosen.input, "rb") as file:
            fuzz_targets.TARGETS[chosen.target](file.read())
        return 0
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed (it exists for Python below 3.12 on Linux): nothing was fuzzed")
        return 0
    if chosen.inside:
        _fuzz(chosen.target, chosen.seconds, chosen.seed)
    targets = [chosen.target] if chosen.target else sorted(fuzz_targets.TARGETS)
    return max(_in_a_process(target, chosen.seconds, chosen.seed) for target in targets)


def _in_a_process(target: str, seconds: int, seed: int) -> int:
    """The fuzzer ends its process when it is done."""
    print(f"fuzzing {target} for {seconds} s", flush=True)
    command = [sys.executable, "-m", "tests.support.fuzz", "--inside", "--target", target]
    return subprocess.run([*command, "--seconds", str(seconds), "--seed", str(seed)], check=False).returncode


def _fuzz(target: str, seconds: int, seed: int) -> None:
    import atheris

    found = os.path.join(FOUND, target)
    os.makedirs(found, exist_ok=True)
    atheris.instrument_all()
    options = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-max_len={INPUT_BYTES_MAX}",
        f"-rss_limit_mb={MEMORY_MB_MAX}",
        f"-timeout={INPUT_SECONDS_MAX}",
        f"-artifact_prefix={found}{os.sep}",
        "-print_final_stats=1",
    ]
    corpus = os.path.join(fuzz_targets.CORPUS, target)
    atheris.Setup([sys.argv[0], *options, found, corpus], fuzz_targets.TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
