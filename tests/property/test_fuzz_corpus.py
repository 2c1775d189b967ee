"""Every input in the fuzzers' corpus is answered or refused by name; what once failed stays there."""

from __future__ import annotations

import pytest

from tests.support import fuzz
from tests.support.fuzz_targets import TARGETS, corpus_of


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_takes_its_corpus(target: str) -> None:
    corpus = corpus_of(target)
    assert corpus
    for name, data in corpus.items():
        try:
            TARGETS[target](data)
        except Exception as error:
            raise AssertionError(f"input {name} of {target}") from error


def test_one_input_can_be_run_again(tmp_path) -> None:
    (tmp_path / "bomb").write_bytes(b"(" * 5000)
    assert fuzz.main(["--target", "expression", "--input", str(tmp_path / "bomb")]) == 0


def test_without_a_fuzzer_nothing_is_fuzzed(monkeypatch, capsys) -> None:
    monkeypatch.setattr(fuzz.importlib.util, "find_spec", lambda name: None)
    assert fuzz.main(["--seconds", "1"]) == 0
    assert "nothing was fuzzed" in capsys.readouterr().out
