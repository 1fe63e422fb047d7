"""How fast photographs become a patch index, how fast patches are read, and what concurrent processes pay for it.

Not a test: ``python -m tests.benchmarks.bench_data`` measures the demonstration set, ``--root FOLDER`` the BSDS500 photographs
(sub-folders train, test, val). Printed are

- decoding and cutting in megapixels a second, with an empty cache but with the files in the page cache;
- reading random patches, in patches and megapixels a second, and the time of one batch;
- the memory of ``--processes`` processes that have read every pixel of one store, as the kernel accounts it (PSS: a page that n
  processes share counts 1/n in each), before and after they opened it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import TypeVar

import torch

from raysearch.data.base import CorpusConfig, Gathered
from raysearch.data.corpora import bsds500, photos
from raysearch.data.index import PatchIndex
from raysearch.data.parallel import cores
from raysearch.data.store import PixelStore

SIZE, BATCH = 64, 16
Result = TypeVar("Result")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder with the BSDS500 photographs")
    parser.add_argument("--processes", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    corpus: CorpusConfig = photos.Config() if options.root is None else bsds500.Config(root=options.root.absolute(), validation=1)
    seconds, (gathered,) = timed(lambda: corpus.gather("train"))
    print(f"{len(gathered.photographs)} photographs listed and checked in {seconds:.2f} s; {cores()} cores")
    with tempfile.TemporaryDirectory() as folder:
        measure_building(gathered, Path(folder))
        measure_reading(gathered, Path(folder))
        measure_memory(gathered, Path(folder), options.processes)


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def cpu_timed(work: Callable[[], Result]) -> tuple[float, float, Result]:
    """Return seconds, CPU seconds of all threads (what a busy machine can't spoil) and the result."""
    start = time.process_time()
    seconds, result = timed(work)
    return seconds, time.process_time() - start, result


def measure_building(gathered: Gathered, cache: Path) -> None:
    decoding, decoding_cpu, store = cpu_timed(lambda: PixelStore.open(gathered.photographs, cache, 3))
    megapixels = sum(h * w for h, w in store.sizes) / 1e6
    cutting, cutting_cpu, index = cpu_timed(lambda: open_index(gathered, cache))
    again, _ = timed(lambda: open_index(gathered, cache))
    print(f"{megapixels:.1f} MPix, {store.path.stat().st_size / 2**20:.1f} MiB decoded, {index.count} patches")
    for name, seconds, cpu in (
        ("decoding", decoding, decoding_cpu),
        ("cutting with the gradient score", cutting, cutting_cpu),
        ("both", decoding + cutting, decoding_cpu + cutting_cpu),
    ):
        print(f"{name}: {megapixels / seconds:.1f} MPix/s, {megapixels / cpu:.1f} MPix per CPU second")
    print(f"opening the finished index: {1e3 * again:.1f} ms")


def open_index(gathered: Gathered, cache: Path) -> PatchIndex:
    return PatchIndex.open(gathered, cache, channels=3, size=SIZE, stride=SIZE, multiple_of=2, scores=frozenset({"gradient"}))


def measure_reading(gathered: Gathered, cache: Path, batches: int = 2000) -> None:
    index = open_index(gathered, cache)
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(index.count, (batches, BATCH), generator=generator)
    seconds, _ = timed(lambda: [index.read(batch) for batch in rows])
    crops = batches * BATCH / seconds
    rate = f"{crops:,.0f} patches/s, {crops * SIZE**2 / 1e6:,.0f} MPix/s"
    print(f"reading: {rate}, {1e3 * seconds / batches:.3f} ms for {BATCH} of {SIZE}x{SIZE}")


def memory() -> dict[str, float]:
    """Return PSS and the parts of it, in MiB."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    fields = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return {name: fields[name] for name in ("Pss", "Pss_Anon", "Pss_File")}


def reader(gathered: Gathered, cache: Path, together: Barrier, answers: Queue) -> None:  # type: ignore[type-arg]
    torch.set_num_threads(1)
    together.wait()
    before = memory()
    together.wait()
    index = open_index(gathered, cache)
    total = sum(int(index.store.view(number).sum()) for number in range(len(index.sizes)))
    index.read(torch.arange(min(index.count, 1000)))
    together.wait()
    answers.put((before, memory(), total))
    together.wait()


def measure_memory(gathered: Gathered, cache: Path, processes: int) -> None:
    context = multiprocessing.get_context("spawn")
    for count in (1, processes):
        together, answers = context.Barrier(count), context.Queue()
        started = [context.Process(target=reader, args=(gathered, cache, together, answers)) for _ in range(count)]
        for process in started:
            process.start()
        found = [answers.get() for _ in started]
        for process in started:
            process.join()
        before, after = (sum(entry[moment]["Pss"] for entry in found) for moment in (0, 1))
        private = sum(entry[1]["Pss_Anon"] - entry[0]["Pss_Anon"] for entry in found)
        print(
            f"{count} process(es): PSS {before:.0f} MiB before and {after:.0f} MiB after reading every pixel: "
            f"{after - before:.0f} MiB for data in all of them together, {private:.0f} MiB of it private"
        )


if __name__ == "__main__":
    main()
