"""From block ratios to one smooth change of exposure between two frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from .blocks import COLUMNS, ROWS, Ratios

GRID = (9, 12)
"""Rows and columns of gain points, the outer ones on the frame's edge."""
PIVOT = float(np.log(0.35))
"""Log tone at which gamma changes nothing."""
_SMOOTH = 0.1
"""Price of a difference between neighbouring gain points, in blocks' worth of evidence."""
_GAMMA_PRICE = 20.0
_ANCHOR = 1e-3
_DOUBT = 0.015
"""Log ratio at which a block that disagrees with the rest counts half (Cauchy weights)."""
_ROUNDS = 6

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """How exposure changed from the frame before: log v' = log v + gain(place) + gamma * (log v - PIVOT)."""

    gain: npt.NDArray[np.float32]
    """GRID of log gains."""
    gamma: float
    trust: float
    """0..1: share of the frame that could be compared."""


def fit(ratios: Ratios) -> Step:
    """Least squares with Cauchy weights (so that things which move or change by themselves drop out)."""
    trust = float(ratios.weight.mean())
    if trust <= 0:
        return Step(np.zeros(GRID, np.float32), 0.0, 0.0)
    places, price = _system()
    tone = ratios.log_tone.ravel().astype(np.float64) - PIVOT
    columns = np.concatenate([places, tone[:, None]], axis=1)
    target, base = ratios.log_ratio.ravel().astype(np.float64), ratios.weight.ravel().astype(np.float64)
    middle = float(np.median(target[base >= np.median(base)]))
    weight = base / (1 + ((target - middle) / (4 * _DOUBT)) ** 2)
    solution = np.zeros(columns.shape[1])
    for _ in range(_ROUNDS):
        solution = np.linalg.solve(columns.T @ (weight[:, None] * columns) + price, columns.T @ (weight * target))
        weight = base / (1 + ((target - columns @ solution) / _DOUBT) ** 2)
    return Step(solution[:-1].reshape(GRID).astype(np.float32), float(solution[-1]), trust)


def interpolation(points: int, places: npt.NDArray[np.float64]) -> Array:
    """(places, points) linear weights; places run 0..1 across the points."""
    distance = np.abs(places[:, None] * (points - 1) - np.arange(points)[None, :])
    weights: Array = np.clip(1 - distance, 0, 1).astype(np.float64)
    return weights


@cache
def _system() -> tuple[Array, Array]:
    """Weights of the gain points in each block's centre, and the quadratic price of rough fields and of gamma."""
    rows = interpolation(GRID[0], (np.arange(ROWS) + 0.5) / ROWS)
    columns = interpolation(GRID[1], (np.arange(COLUMNS) + 0.5) / COLUMNS)
    size = GRID[0] * GRID[1]
    rough = np.kron(_chain(GRID[0]), np.eye(GRID[1])) + np.kron(np.eye(GRID[0]), _chain(GRID[1]))
    price = np.zeros((size + 1, size + 1))
    price[:size, :size] = _SMOOTH * rough + _ANCHOR * np.eye(size)
    price[size, size] = _GAMMA_PRICE
    return np.asarray(np.kron(rows, columns), np.float64), price


def _chain(points: int) -> Array:
    """Quadratic form of the squared differences between neighbours in a row."""
    difference = np.diff(np.eye(points), axis=0)
    return np.asarray(difference.T @ difference, np.float64)
