"""One weight matrix → one record: a row of `analyze`, and the arrays that figures and event files draw.

    WeightMatrix → spectrum · tail · null · geometry · change · survival → Record

A measure that can not be taken, because a matrix is too small or holds NaN, leaves its columns empty and says why in the row's
`reason`; it never raises and never stands as a number. What random draws a measure needs depend on the seed and the matrix's
path, or its shape, alone.
"""

import functools
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfredundancy.inspection.matrices import WeightMatrix
from tfredundancy.numerics import geometry, powerlaw, spectra, survival

MEASURES = ("spectrum", "tail", "null", "geometry", "change", "survival")
COLUMNS = (
    "layer", "matrix", "kind", "reason", "units", "fan_in", "nonfinite", "density", "n", "m", "q", "pooled",
    "frobenius", "spectral_norm", "stable_rank", "mp_soft_rank", "entropy", "effective_rank", "participation_ratio",
    "sigma2", "bulk_edge", "spikes", "mp_ks", "phase", "null_edge", "spikes_beyond_null",
    "alpha", "alpha_sd", "n_tail", "alpha_p", "alpha_noise", "xmin", "ks", "tail",
    "frame_potential", "frame_bound", "frame_excess", "frame_z", "coherence", "mean_angle", "null_angle", "clusters", "repeated",
    "distance_to_init", "init_alignment", "update_rank",
    "survival_lift", "survival_p",
    "dead", "removable", "repeated_responses",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is measured, and how carefully.

    Attributes:
        measures: some of `MEASURES`.
        precision: "float64" or "float32", of the Gram matrices whose eigenvalues are taken.
        level: probability that pure noise has no spike.
        replicates: of the bootstrap behind `alpha_p`; 0 leaves it out.
        clusters: k of the clusters of units whose centres angles are taken to.
        draws: clusterings of uniform-sphere draws behind the null of those angles.
        seed: of everything random.
    """

    measures: tuple[str, ...] = MEASURES
    precision: str = "float64"
    level: float = 0.99
    replicates: int = 1000
    clusters: int = 4
    draws: int = 10
    seed: int = 0

    def __post_init__(self):
        unknown = [measure for measure in self.measures if measure not in MEASURES]
        if unknown:
            raise ValueError(f"`measures` must be some of {', '.join(MEASURES)}. Received: {', '.join(unknown)}")
        if self.precision not in ("float64", "float32"):
            raise ValueError(f"`precision` must be float64 or float32. Received: precision={self.precision!r}")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The empirical spectral density of a matrix, and what is fitted to it.

    Attributes:
        eigenvalues: of WᵀW/N, ascending, those of all slices together.
        n, m: rows and columns of a slice, n ≥ m.
        pooled: number of slices.
        bulk: the Marchenko–Pastur fit, or None where there are too few eigenvalues.
        tail: the power-law fit, or None.
        null_edge: largest eigenvalue after the entries were permuted, or NaN.
    """

    eigenvalues: np.ndarray
    n: int
    m: int
    pooled: int
    bulk: Any = None
    tail: Any = None
    null_edge: float = np.nan


@dataclass(frozen=True, eq=False)
class Angles:
    """The directions of units.

    Attributes:
        clusters: the units' clusters, with the angle of each unit to its centre.
        null: angles (draws, units) after the same clustering of uniform-sphere draws.
        pairs: counts of the angles between each two units, on 180 bins of a degree.
        initial: angles of the initial weights after the same clustering, or None.
    """

    clusters: Any
    null: np.ndarray
    pairs: np.ndarray
    initial: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Record:
    """What was measured of one matrix.

    Attributes:
        path: of the matrix: the layer's path and its own name.
        row: {column of `COLUMNS`: value}; what could not be measured is absent.
        spectrum, angles: what is drawn, or None.
        kept: bool array (units,) of the units that are not pruned, or None where no mask is.
        survival: how the kept weights spread over the units, or None where no single weights are pruned.
    """

    path: str
    row: dict[str, Any]
    spectrum: Spectrum | None = None
    angles: Angles | None = None
    kept: np.ndarray | None = None
    survival: Any = None


def measured(
    matrix: WeightMatrix,
    settings: Settings,
    initial: WeightMatrix | None = None,
    answers: Mapping[str, Any] | None = None,
) -> Record:
    """Measure one matrix.

    Args:
        matrix: of a model.
        settings: what to measure.
        initial: the same matrix before training, or None.
        answers: what its layer's units answered to data: columns of the row, or None.

    Returns:
        A `Record`.
    """
    name = matrix.path.removeprefix(f"{matrix.layer}/") if matrix.reason is None else ""
    row = {"layer": matrix.layer, "matrix": name, "kind": matrix.kind}
    if matrix.reason is not None:
        return Record(matrix.path, row | {"reason": matrix.reason})
    return _Measuring(matrix, settings, initial, row).record(answers or {})


class _Measuring:
    """The measures of one matrix, each adding its columns, or its reason."""

    def __init__(self, matrix: WeightMatrix, settings: Settings, initial: WeightMatrix | None, row: dict[str, Any]):
        self.matrix, self.settings, self.initial, self.row = matrix, settings, initial, row
        self.units, self.whole = matrix.read()
        self.mask = None if matrix.mask is None else matrix.mask()
        self.kept = None if self.mask is None else self.mask.any(axis=1)
        self.drawn: dict[str, Any] = {}
        self.reasons: list[str] = []

    def record(self, answers: Mapping[str, Any]) -> Record:
        """All of it."""
        units, mask = self.units, self.mask
        broken = int(units.size - np.count_nonzero(np.isfinite(units)))
        self.row |= {"units": units.shape[0], "fan_in": units.shape[1], "nonfinite": broken}
        self.row["density"] = 1.0 if mask is None else float(mask.mean())
        if broken:
            self.reasons.append(f"{broken} of {units.size} weights are NaN or infinite")
        else:
            self._measure_all()
        self.row |= {name: value for name, value in answers.items() if name in COLUMNS and name != "reason"}
        if answers.get("reason"):
            self.reasons.append(f"responses: {answers['reason']}")
        if self.reasons:
            self.row["reason"] = "; ".join(self.reasons)
        return Record(self.matrix.path, self.row, kept=self.kept, **self.drawn)

    def _measure_all(self) -> None:
        steps: dict[str, Callable[[], None]] = {
            "spectrum": self._spectrum,
            "tail": self._tail,
            "null": self._null,
            "geometry": self._geometry,
            "change": self._change,
            "survival": self._survival,
        }
        for name, measure in steps.items():
            if name in self.settings.measures:
                try:
                    measure()
                except (ValueError, ArithmeticError) as error:  # a measure says that it is not defined for this matrix
                    self.reasons.append(f"{name}: {error}")

    def _rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, zlib.crc32(f"{self.matrix.path} {purpose}".encode())])

    def _spectrum(self) -> None:
        parts, n, m, pooled = self._eigenvalues()
        eigenvalues = np.sort(np.concatenate(parts))
        self.row |= {"n": n, "m": m, "q": n / m, "pooled": pooled}
        self.drawn["spectrum"] = Spectrum(eigenvalues, n, m, pooled)
        self.row["frobenius"] = float(np.sqrt(eigenvalues.sum() * n))
        self.row["spectral_norm"] = float(np.sqrt(eigenvalues[-1] * n))
        if eigenvalues[-1] == 0:
            raise ValueError("all weights are 0")
        self.row |= {name: float(np.mean([of(part) for part in parts if part[-1]])) for name, of in _RANKS.items()}
        options = {"level": self.settings.level, "kurtosis": self._kurtosis()}
        bulk = spectra.fit_marchenko_pastur(eigenvalues, n / m, pooled=pooled, **options)
        self._add_to_spectrum(bulk=bulk)
        self.row |= {"sigma2": bulk.sigma2 / self._share(), "bulk_edge": bulk.bulk_edge, "spikes": bulk.spikes}
        self.row |= {"mp_ks": bulk.ks_m, "mp_soft_rank": spectra.mp_soft_rank(eigenvalues, bulk)}

    def _eigenvalues(self) -> tuple[list[np.ndarray], int, int, int]:
        """Those of each matrix of the view, of one block-diagonal one for an operator; N, M and their number."""
        if self.matrix.singular_values is not None:
            n, m = max(self.matrix.block), min(self.matrix.block)
            values = np.square(np.asarray(self.matrix.singular_values(), np.float64)) / n
            return [values], n, m, len(values) // m
        slices = self._slices
        m, n = sorted(slices[0].shape)
        return [spectra.esd(part, self.settings.precision) for part in slices], n, m, len(slices)

    @functools.cached_property
    def _slices(self) -> tuple[np.ndarray, ...]:
        """The matrices of the view; of pruned layers without the rows and columns that are pruned in all of them."""
        slices = self.whole
        if self.mask is None or self.mask.all():
            return slices
        rows = np.logical_or.reduce([part.any(axis=1) for part in slices])
        columns = np.logical_or.reduce([part.any(axis=0) for part in slices])
        if not rows.any():
            raise ValueError("all weights are pruned")
        return tuple(part[rows][:, columns] for part in slices)

    def _kurtosis(self) -> float:
        """Of a layer with pruned weights, whose zeros shift the edge of its bulk; 3, that of normal entries, for any other."""
        if self._share() == 1:
            return 3.0
        if self.matrix.slices is None:
            return spectra.kurtosis(self._kept_units())
        return spectra.kurtosis(np.concatenate([part.ravel() for part in self._slices])[:, None])

    def _share(self) -> float:
        """Share of the weights of the units that are left that is not pruned: zeros have no variance."""
        return 1.0 if self.mask is None else float(self.mask[self.kept].mean())

    def _tail(self) -> None:
        found = self._require_spectrum()
        fit = powerlaw.fit(found.eigenvalues)
        self._add_to_spectrum(tail=fit)
        self.row |= {"alpha": fit.alpha, "alpha_sd": fit.alpha_sd, "n_tail": fit.n_tail, "xmin": fit.xmin, "ks": fit.ks}
        self.row["alpha_noise"] = _noise_alpha(found.n, found.m, found.pooled, self.settings.seed)
        others = powerlaw.compare_all(found.eigenvalues, fit)
        p = None
        if self.settings.replicates:
            p = powerlaw.goodness(found.eigenvalues, fit, self._rng("tail"), self.settings.replicates)
            self.row["alpha_p"] = p
        self.row["tail"] = powerlaw.tail_kind(fit, p, others).kind
        if p is not None and found.bulk is not None:
            known = {"bulk": found.bulk, "tail": fit, "tail_p": p}
            self.row["phase"] = spectra.phase(found.eigenvalues, found.n / found.m, found.pooled, **known).label

    def _null(self) -> None:
        found = self._require_spectrum()
        if self.matrix.slices is None:
            raise ValueError("the entries of an operator can not be permuted")
        rng = self._rng("null")
        edge = max(spectra.permutation_null(part, rng).largest for part in self._slices)
        self._add_to_spectrum(null_edge=edge)
        self.row |= {"null_edge": edge, "spikes_beyond_null": int((found.eigenvalues > edge).sum())}

    def _geometry(self) -> None:
        units, k = self._kept_units(), self.settings.clusters
        pairs = geometry.pairs(units)
        n, d = int(pairs.alive.sum()), units.shape[1]
        self.row |= {"frame_potential": pairs.frame.value, "frame_bound": pairs.frame.bound, "frame_z": pairs.frame.z}
        self.row |= {"frame_excess": pairs.frame.excess, "coherence": pairs.coherence}
        self.row["repeated"] = pairs.duplicates.repeated
        if n > k:
            clusters = geometry.cluster(units, k, self.settings.seed)
            null = _angle_null(n, d, k, self.settings.seed, self.settings.draws)
            self.drawn["angles"] = Angles(clusters, null, pairs.counts, self._initial_angles(k))
            self.row |= {"mean_angle": float(np.nanmean(clusters.angles)), "null_angle": float(np.nanmean(null))}
        self.row["clusters"] = geometry.count_clusters(units)
        if n <= k:
            raise ValueError(f"{n} units that are not zero are no more than {k} clusters")

    def _initial_angles(self, k: int) -> np.ndarray | None:
        if self.initial is None:
            return None
        return geometry.cluster(self._kept_units(self.initial.units()), k, self.settings.seed).angles

    def _change(self) -> None:
        if self.initial is None:
            return
        units, initial = self._kept_units(), self._kept_units(self.initial.units())
        self.row["distance_to_init"] = geometry.distance_to_init(units, initial)
        self.row["init_alignment"] = geometry.init_alignment(units, initial).mean
        self.row["update_rank"] = spectra.update_rank(units, initial)

    def _survival(self) -> None:
        if self.mask is None or (self.mask == self.mask[:, :1]).all():  # whole units are kept or pruned
            return
        found = survival.concentration(self.mask.T)
        self.drawn["survival"] = found
        self.row |= {"survival_lift": found.lift, "survival_p": found.p_value}

    def _kept_units(self, units: np.ndarray | None = None) -> np.ndarray:
        """The unit matrix without the units that a mask prunes: those of all-zero rows have no direction."""
        units = self.units if units is None else units
        return units if self.kept is None else units[self.kept]

    def _require_spectrum(self) -> Spectrum:
        if "spectrum" not in self.drawn:
            raise ValueError("it is made of the spectrum, which was not measured")
        return self.drawn["spectrum"]

    def _add_to_spectrum(self, **fields) -> None:
        self.drawn["spectrum"] = replace(self.drawn["spectrum"], **fields)


_RANKS: dict[str, Callable[[np.ndarray], float]] = {
    "stable_rank": lambda eigenvalues: eigenvalues.sum() / eigenvalues[-1],
    "entropy": spectra.entropy,
    "effective_rank": spectra.effective_rank,
    "participation_ratio": spectra.participation_ratio,
}


@functools.lru_cache(maxsize=1024)
def _noise_alpha(n: int, m: int, pooled: int, seed: int) -> float:
    return powerlaw.noise_alpha(m, n / m, np.random.default_rng(seed), pooled=pooled)


@functools.lru_cache(maxsize=256)
def _angle_null(n: int, d: int, k: int, seed: int, draws: int) -> np.ndarray:
    return geometry.angle_null(n, d, k, seed, draws)
