"""Dictionaries learned from images: their atoms, the energy in a few atoms, and denoising.

Claim: of the orthonormal dictionaries, the one learned by ℓ3 maximisation needs the fewest atoms for digits and for
natural patches, fewer than PCA and the DCT; and of all dictionaries with 64 atoms it is no worse than those of FastICA
and MiniBatchDictionaryLearning. This repeats the image experiments of the ℓp papers (Zhai et al. 2020; Shen et al.
2020), which keep the k largest coefficients. Refuted by a larger fraction of energy or PSNR of another dictionary.

Codes are compared by an approximation with k atoms. For an orthonormal dictionary the best one keeps the k largest
coefficients. For an oblique dictionary these are not optimal, so orthogonal matching pursuit is used; for orthonormal
dictionaries it gives the same result. The best k atoms of an oblique dictionary could still be better.

A dictionary is learned on one half and measured on the other: halves of the digits, or the two images of scikit-learn.
Samples are digits minus their mean, and 8×8 patches minus the mean of each patch. Noise is removed from all overlapping
patches, and the estimates of each pixel are averaged. Either the linear codes are thresholded or the pursuit stops at a
residual; this choice and its parameter are made on the image on which the dictionary was learned.

Each row is one dictionary: its energy in k = 1 to 16 atoms, and PSNR for every noise level.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.fft import dct
from sklearn.datasets import load_digits, load_sample_images
from sklearn.decomposition import PCA, FastICA, MiniBatchDictionaryLearning

from experiments.runner import Row, main
from experiments.tables import markdown
from hypernorm.dictionary import LpDictionaryLearning

SIDE = 8
ATOMS = SIDE * SIDE
LARGEST_K = 16
NOISE = (10, 25, 50)  # standard deviation, for images with values from 0 to 255
THRESHOLDS = (2.0, 2.5, 2.75, 3.0, 3.5)  # in standard deviations of the noise of a code
RESIDUALS = (0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.25)  # in standard deviations of the noise
_CHUNK = 4096


def lp(whiten: bool, p: float = 3) -> Callable[[np.ndarray, int], tuple[np.ndarray, Row]]:
    """ℓp-norm maximisation: an orthonormal dictionary without whitening, a general square one with it."""

    def learn(X: np.ndarray, seed: int) -> tuple[np.ndarray, Row]:
        model = LpDictionaryLearning(p=p, whiten=whiten, tol=1e-3, random_state=seed).fit(X)
        return model.components_, {"iterations": model.n_iter_, "converged": model.converged_}

    return learn


def fast_ica(X: np.ndarray, seed: int) -> tuple[np.ndarray, Row]:
    rank = np.linalg.matrix_rank(X.T @ X)
    model = FastICA(rank, whiten="unit-variance", max_iter=500, random_state=seed).fit(X)
    return model.mixing_.T, {"iterations": model.n_iter_, "converged": model.n_iter_ < 500}


def pca(X: np.ndarray, seed: int) -> tuple[np.ndarray, Row]:
    return PCA().fit(X).components_, {}


def cosines(X: np.ndarray, seed: int) -> tuple[np.ndarray, Row]:
    """The two-dimensional discrete cosine transform, a fixed dictionary."""
    one = dct(np.eye(SIDE), axis=0, norm="ortho")
    return np.kron(one, one), {}


def lasso_batches(X: np.ndarray, seed: int) -> tuple[np.ndarray, Row]:
    """MiniBatchDictionaryLearning with the penalty of the example of scikit-learn, on patches of unit variance."""
    model = MiniBatchDictionaryLearning(ATOMS, alpha=1, max_iter=10, batch_size=200, random_state=seed).fit(X)
    return model.components_, {"iterations": model.n_iter_}


METHODS: dict[str, Callable[[np.ndarray, int], tuple[np.ndarray, Row]]] = {
    "ℓ3 orthonormal": lp(whiten=False),
    "ℓ3 whitened": lp(whiten=True),
    "PCA": pca,
    "DCT": cosines,
    "FastICA": fast_ica,
    "MiniBatchDictionaryLearning": lasso_batches,
}
ORTHONORMAL = ("ℓ3 orthonormal", "PCA", "DCT")


def images(size: int | None) -> list[np.ndarray]:
    """The two sample images in grey, from 0 to 255; the middle `size` × `size` pixels, or all."""
    grey = [image @ np.array([0.299, 0.587, 0.114]) for image in load_sample_images().images]
    if size is None:
        return grey
    corners = [((image.shape[0] - size) // 2, (image.shape[1] - size) // 2) for image in grey]
    return [image[top : top + size, left : left + size] for image, (top, left) in zip(grey, corners, strict=True)]


def patches(image: np.ndarray) -> np.ndarray:
    """All overlapping patches as rows."""
    return sliding_window_view(image, (SIDE, SIDE)).reshape(-1, ATOMS)


def averaged(rows: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The image from its patches; each pixel is the mean over all patches that contain it."""
    total, count = np.zeros(shape), np.zeros(shape)
    height, width = shape[0] - SIDE + 1, shape[1] - SIDE + 1
    for column in range(ATOMS):
        i, j = divmod(column, SIDE)
        total[i : i + height, j : j + width] += rows[:, column].reshape(height, width)
        count[i : i + height, j : j + width] += 1
    return total / count


def pursuit(X: np.ndarray, atoms: np.ndarray, steps: int) -> Iterator[np.ndarray]:
    """Yield the residuals of orthogonal matching pursuit after 1, 2, … steps, for all samples together."""
    residual = X.copy()
    directions: list[np.ndarray] = []
    for _ in range(steps):
        direction = atoms[np.argmax(np.abs(residual @ atoms.T), axis=1)]
        for _ in range(2):  # twice, so that no rounding error in the earlier directions remains
            for earlier in directions:
                direction = direction - np.einsum("ij,ij->i", direction, earlier)[:, None] * earlier
        length = np.linalg.norm(direction, axis=1, keepdims=True)
        # A sample that is already represented has no new direction.
        direction = np.where(length > 1e-6, direction / np.where(length > 1e-6, length, 1), 0)
        residual = residual - np.einsum("ij,ij->i", residual, direction)[:, None] * direction
        directions.append(direction)
        yield residual


def energy_shares(X: np.ndarray, atoms: np.ndarray) -> list[float]:
    """Fraction of energy 1 − ‖residual‖²/‖x‖² over all samples, for k = 1 to 16 atoms per sample."""
    left = np.zeros(LARGEST_K)
    for start in range(0, len(X), _CHUNK):
        left += [float((part**2).sum()) for part in pursuit(X[start : start + _CHUNK], atoms, LARGEST_K)]
    return [round(share, 5) for share in 1 - left / (X**2).sum()]


def denoised(image: np.ndarray, atoms: np.ndarray, noise: float) -> Iterator[tuple[str, float, np.ndarray]]:
    """Yield the denoised image for each rule and each of its parameters."""
    rows = patches(image)
    means = rows.mean(axis=1, keepdims=True)
    X = (rows - means).astype(np.float32)
    unmixing = np.linalg.pinv(atoms)  # codes = X @ unmixing
    codes, widths = X @ unmixing.astype(np.float32), noise * np.linalg.norm(unmixing, axis=0)
    for threshold in THRESHOLDS:
        kept = np.where(np.abs(codes) > threshold * widths, codes, 0) @ atoms.astype(np.float32)
        yield "threshold", threshold, averaged(kept + means, image.shape)
    estimates = _pursued(X, atoms.astype(np.float32), [(ATOMS - 1) * (factor * noise) ** 2 for factor in RESIDUALS])
    for factor, estimate in zip(RESIDUALS, estimates, strict=True):
        yield "pursuit", factor, averaged(estimate + means, image.shape)


def _pursued(X: np.ndarray, atoms: np.ndarray, limits: list[float]) -> np.ndarray:
    """For every limit and sample, the first approximation with a squared residual below the limit."""
    estimates = np.zeros((len(limits), *X.shape), dtype=np.float32)
    # Samples of similar energy stop at about the same step, so that a chunk ends early.
    order = np.argsort((X**2).sum(axis=1))
    for start in range(0, len(X), _CHUNK):
        chosen = order[start : start + _CHUNK]
        part = X[chosen]
        missing = [(part**2).sum(axis=1) > limit for limit in limits]
        for residual in pursuit(part, atoms, ATOMS // 2):
            if not any(open_.any() for open_ in missing):
                break
            squares = (residual**2).sum(axis=1)
            for estimate, open_, limit in zip(estimates, missing, limits, strict=True):
                estimate[chosen[open_]] = (part - residual)[open_]
                open_ &= squares > limit
    return estimates


def psnr(estimate: np.ndarray, image: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB."""
    return float(20 * np.log10(255) - 10 * np.log10(np.mean((estimate - image) ** 2)))


def denoising(atoms: np.ndarray, known: np.ndarray, image: np.ndarray, seed: int) -> Row:
    """PSNR on `image` with the rule and parameter that are best on `known`."""
    outcome: Row = {}
    for noise in NOISE:
        rng = np.random.default_rng([seed, noise])
        spoilt = known + noise * rng.standard_normal(known.shape)
        scores = {(rule, value): psnr(found, known) for rule, value, found in denoised(spoilt, atoms, noise)}
        rule, value = max(scores, key=lambda key: scores[key])
        spoilt = image + noise * rng.standard_normal(image.shape)
        tried = {(name, number): psnr(found, image) for name, number, found in denoised(spoilt, atoms, noise)}
        outcome[f"noise {noise}"] = {
            "noisy": round(psnr(spoilt, image), 3),
            "psnr": round(tried[rule, value], 3),
            "rule": rule,
            "parameter": value,
            "best": round(max(tried.values()), 3),
        }
    return outcome


def samples(data: str, fold: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test samples, both divided by the standard deviation of the training samples."""
    rng = np.random.default_rng(fold)
    if data == "digits":
        X = load_digits().data
        halves = np.array_split(np.random.default_rng(0).permutation(len(X)), 2)
        learned, measured = X[halves[fold]], X[halves[1 - fold]]
        learned, measured = learned - learned.mean(axis=0), measured - learned.mean(axis=0)
    else:
        both = images(None)
        learned, measured = (
            rng.permutation(patches(image))[:number]
            for image, number in ((both[fold], count), (both[1 - fold], count // 5))
        )
        learned, measured = (X - X.mean(axis=1, keepdims=True) for X in (learned, measured))
    return learned / learned.std(), measured / learned.std()


def cases(count: int, size: int, folds: int) -> Iterator[Row]:
    """Yield data, training half, dictionary and sizes of every trial."""
    for data in ("digits", "patches"):
        for fold in range(folds):
            for method in METHODS:
                yield {"data": data, "fold": fold, "method": method, "count": count, "size": size}


PRESETS = {
    "quick": lambda: cases(5000, 64, 1),
    "paper": lambda: cases(50_000, 256, 2),
}


def trial(data: str, fold: int, method: str, count: int, size: int) -> Row:
    """Learn and measure one dictionary; the row of the first fold includes its rounded atoms, for the figure."""
    learned, measured = samples(data, fold, count)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of convergence; it is recorded in the row
        atoms, record = METHODS[method](learned, fold)
    seconds = time.perf_counter() - start
    atoms = atoms[np.linalg.norm(atoms, axis=1) > 0]
    atoms = atoms / np.linalg.norm(atoms, axis=1, keepdims=True)
    row: Row = {"n_atoms": len(atoms), "fit_seconds": seconds, **record, "share": energy_shares(measured, atoms)}
    if data == "patches":
        both = images(size)
        row.update(denoising(atoms, both[fold], both[1 - fold], fold))
    if not fold:
        # Atoms with the most energy come first.
        order = np.argsort(-((learned @ np.linalg.pinv(atoms)) ** 2).sum(axis=0))
        largest = np.abs(atoms).max(axis=1, keepdims=True)
        row["atoms"] = np.rint(99 * atoms / largest).astype(int)[order].tolist()
    return row


def mean_shares(rows: list[Row], data: str) -> dict[str, np.ndarray]:
    """Fractions of energy for k = 1 to 16 by dictionary, averaged over the folds."""
    return {
        method: np.mean([row["share"] for row in rows if (row["data"], row["method"]) == (data, method)], axis=0)
        for method in METHODS
    }


def mean_psnr(rows: list[Row], noise: int, key: str = "psnr") -> dict[str, float]:
    """PSNR by dictionary, averaged over the folds."""
    return {
        method: float(np.mean([row[f"noise {noise}"][key] for row in rows if row["method"] == method]))
        for method in METHODS
    }


def table(rows: list[Row]) -> str:
    """Markdown tables of the fractions of energy in per cent and of the PSNR."""
    counts = (1, 2, 4, 8, 16)
    tables = [
        markdown(
            [f"{data}: energy in k atoms, %", *counts],
            [
                [method, *(f"{100 * shares[k - 1]:.1f}" for k in counts)]
                for method, shares in mean_shares(rows, data).items()
            ],
        )
        for data in ("digits", "patches")
    ]
    found = [row for row in rows if row["data"] == "patches"]
    scores = {noise: {"noisy": mean_psnr(found, noise, "noisy")["DCT"], **mean_psnr(found, noise)} for noise in NOISE}
    psnr = [[name, *(f"{scores[noise][name]:.2f}" for noise in NOISE)] for name in ("noisy", *METHODS)]
    return "\n\n".join([*tables, markdown(["PSNR in dB at noise", *NOISE], psnr)]) + "\n"


def verdict(rows: list[Row]) -> str:
    """Which parts of the claim stand, in one line."""
    ours = "ℓ3 orthonormal"
    parts = []
    for data in ("digits", "patches"):
        shares = mean_shares(rows, data)
        for names, words in ((ORTHONORMAL, "orthonormal ones"), (tuple(METHODS), "all")):
            lost = [k for k in range(LARGEST_K) if max(shares, key=lambda m: shares[m][k] * (m in names)) != ours]
            parts.append(f"fewest atoms among {words} on {data}: " + _judgement(lost, LARGEST_K, "k"))
    found = [row for row in rows if row["data"] == "patches"]
    best = [(noise, mean_psnr(found, noise)) for noise in NOISE]
    winners = [f"{max(values, key=lambda m: values[m])} at {noise}" for noise, values in best]
    lost = [noise for noise, values in best if max(values, key=lambda m: values[m]) != ours]
    parts.append("highest PSNR: " + _judgement(lost, len(NOISE), "noise levels") + f" (best: {', '.join(winners)})")
    return f"Verdict: {'; '.join(parts)}."


def _judgement(lost: list[int], total: int, of: str) -> str:
    return "stands" if not lost else f"REFUTED for {len(lost)} of {total} {of}"


if __name__ == "__main__":
    main("dictionary_images", PRESETS, trial, lambda rows: f"{table(rows)}\n{verdict(rows)}", __doc__)
