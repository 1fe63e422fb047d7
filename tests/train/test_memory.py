from __future__ import annotations

import os

import pytest
import torch

from raysearch.train import memory, outcome

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


def test_a_gpu_tells_what_its_tensors_took(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", forgotten.append)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * 2**19)
    assert memory.forget_peak(GPU)
    assert forgotten == [GPU]
    assert outcome._peak_memory(GPU) == {"peak_memory_mib": 1.5}


def test_a_cpu_tells_the_most_of_the_process_since() -> None:
    if not memory.forget_peak(CPU):
        pytest.skip("Linux alone tells the peak")
    before = memory.resident_bytes()
    torch.ones(2**25)  # 128 MiB, gone at once
    peak = memory.peak_bytes(CPU)
    assert peak is not None
    assert 120 * 2**20 < peak - before < 250 * 2**20
    memory.forget_peak(CPU)
    again = memory.peak_bytes(CPU)
    assert again is not None
    assert again < peak - 100 * 2**20
    assert outcome._peak_memory(CPU)["peak_memory_mib"] == pytest.approx(again / 2**20, abs=20)


def test_a_system_that_does_not_tell_gives_no_fact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert not memory.forget_peak(CPU)
    assert outcome._peak_memory(CPU) == {}
