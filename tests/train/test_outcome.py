from __future__ import annotations

import pytest
import torch

from raysearch.train import outcome


def test_the_memory_of_a_gpu_is_a_fact_and_that_of_a_cpu_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", forgotten.append)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * 2**19)
    cpu, gpu = torch.device("cpu"), torch.device("cuda", 0)
    for device in (cpu, gpu):
        outcome.forget_peak_memory(device)
    assert forgotten == [gpu]
    assert outcome._peak_memory(cpu) == {}
    assert outcome._peak_memory(gpu) == {"peak_memory_mib": 1.5}
