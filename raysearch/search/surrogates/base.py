"""What a surrogate is: a formula or a table that answers what a training would have given, in no time.

`raysearch bench search` compares ways to search on it. Another one can be given as ``--surrogate module:Class``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from raysearch.spec.domains import Leaf
from raysearch.spec.space import Space


@dataclass(frozen=True)
class Course:
    """What a trial does if nobody stops it.

    Attributes:
        values: the objective as it is measured after each rung, (rungs,), with noise; NaN from the rung on at which it diverges.
        seconds: of each rung.
        truth: the objective at the last rung without noise; NaN for a trial that diverges.
        second: a second objective that a trial's configuration decides (less is better), e.g. multiply-adds in 1e9.
    """

    values: NDArray[np.float64]
    seconds: float
    truth: float
    second: float = 0.0


class Surrogate(ABC):
    """A search problem whose answers cost nothing; the class's docstring says where it comes from.

    Attributes:
        template: the search space, in the form of a study's ``trial``.
        rungs: reports of a full trial; a rung stands for one optimisation step of a real study.
        mode: whether more or less of the objective is better.
        targets: values of the objective for which times are compared.
        reference: of two objectives: the values (first, second) that are worth nothing; what counts then is the hypervolume.
    """

    template: ClassVar[dict[str, Any]]
    rungs: ClassVar[int] = 27
    mode: ClassVar[str] = "max"
    targets: ClassVar[tuple[float, ...]] = ()
    reference: ClassVar[tuple[float, float] | None] = None

    @property
    def space(self) -> Space:
        """The search space."""
        return Space.parse(self.template)

    @abstractmethod
    def course(self, values: Mapping[str, Leaf], seed: int) -> Course:
        """Return what a trial with these values of the space's domains does; the noise is a function of ``seed``."""
