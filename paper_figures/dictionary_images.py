"""Atoms from digits and patches, energy in k atoms, and denoising."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from experiments.dictionary_images import LARGEST_K, METHODS, NOISE, SIDE, mean_psnr, mean_shares
from experiments.runner import Row
from paper_figures.style import COLOURS, PAGE, figure, rows_on_file, save

SHOWN = ("ℓ3 orthonormal", "ℓ3 whitened", "PCA", "MiniBatchDictionaryLearning")
NAMES = {"MiniBatchDictionaryLearning": "mini-batch dictionary"}
LEARNED_FROM = {"digits": "atoms from digits", "patches": "atoms from patches"}
LOOKS = {
    "ℓ3 orthonormal": ("vermilion", "o", "-"),
    "ℓ3 whitened": ("orange", "s", "--"),
    "PCA": ("blue", "^", "-"),
    "DCT": ("black", "v", "-"),
    "FastICA": ("green", "D", "--"),
    "MiniBatchDictionaryLearning": ("purple", "P", "--"),
}
"""Colour, marker and line of each method; the line is solid for orthonormal dictionaries."""


def mosaic(atoms: Sequence[Sequence[int]]) -> np.ndarray:
    """Atoms as 8×8 images in rows of eight, with white frames; grey is zero."""
    cell = SIDE + 1
    canvas = np.full((8 * cell + 1, 8 * cell + 1), 99.0)
    for index, atom in enumerate(atoms):
        row, column = divmod(index, 8)
        picture = np.array(atom).reshape(SIDE, SIDE)
        canvas[1 + row * cell : (row + 1) * cell, 1 + column * cell : (column + 1) * cell] = picture
    return canvas


def draw_atoms(axes: Axes, rows: list[Row], data: str, method: str) -> None:
    atoms = next(row["atoms"] for row in rows if (row["data"], row["method"], row["fold"]) == (data, method, 0))
    axes.imshow(mosaic(atoms), cmap="gray", vmin=-99, vmax=99, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_shares(axes: Axes, rows: list[Row], data: str) -> None:
    counts = np.arange(1, LARGEST_K + 1)
    curves = mean_shares(rows, data)
    for method, shares in curves.items():
        colour, marker, line = LOOKS[method]
        left = (1 - shares) / (1 - curves["DCT"])
        name = NAMES.get(method, method)
        axes.plot(counts, left, line, color=COLOURS[colour], marker=marker, markevery=3, label=name)
    axes.set(xlabel="atoms per sample, $k$", ylabel="energy left, DCT = 1", xticks=(1, 4, 7, 10, 13, 16))
    axes.set_title(f"best $k$ atoms, unseen {data}")


def draw_gains(axes: Axes, rows: list[Row]) -> None:
    found = [row for row in rows if row["data"] == "patches"]
    scores = [mean_psnr(found, noise) for noise in NOISE]
    for index, method in enumerate(METHODS):
        colour, marker, _ = LOOKS[method]
        positions = np.arange(len(NOISE)) + 0.12 * (index - (len(METHODS) - 1) / 2)
        gains = [values[method] - values["DCT"] for values in scores]
        axes.plot(positions, gains, marker, color=COLOURS[colour])
    axes.axhline(0, color=COLOURS["black"], linewidth=0.8)
    labels = [f"{noise}\n({values['DCT']:.1f} dB)" for noise, values in zip(NOISE, scores, strict=True)]
    axes.set_xticks(range(len(NOISE)), labels)
    axes.set(xlabel="noise $\\sigma$ (PSNR of the DCT)", ylabel="PSNR above the DCT, dB")
    axes.set_title("denoising the unseen image")


def main() -> None:
    rows = rows_on_file("dictionary_images")
    picture = figure(PAGE, 6.6)
    top, bottom = picture.subfigures(2, 1, height_ratios=(3.5, 2.6))
    grid = top.subplots(2, len(SHOWN))
    for line, data in zip(grid, LEARNED_FROM, strict=True):
        for axes, method in zip(line, SHOWN, strict=True):
            draw_atoms(axes, rows, data, method)
        line[0].set_ylabel(LEARNED_FROM[data])
    for axes, method in zip(grid[0], SHOWN, strict=True):
        axes.set_title(NAMES.get(method, method))
    digits, patches, gains = bottom.subplots(1, 3)
    draw_shares(digits, rows, "digits")
    draw_shares(patches, rows, "patches")
    draw_gains(gains, rows)
    handles, labels = digits.get_legend_handles_labels()
    bottom.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    save(picture, "dictionary_images")


if __name__ == "__main__":
    main()
