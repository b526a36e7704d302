"""Averages of activations over jointly Gaussian inputs, which the dynamics of committee machines are made of.

z₁ … z₄ are Gaussian with mean 0 and covariance C, g is the activation:

    I2 = ⟨g(z₁) g(z₂)⟩    I3 = ⟨g′(z₁) z₂ g(z₃)⟩    I4 = ⟨g′(z₁) g′(z₂) g(z₃) g(z₄)⟩    J2 = ⟨g′(z₁) g′(z₂)⟩

Entries of C are passed one by one, `c12` for C₁₂, as arrays that broadcast; what comes out has their common shape. For the error
function g(z) = erf(z/√2), and for linear units g(z) = z.

Saad and Solla 1995, On-line learning in soft committee machines, Phys. Rev. E 52; Goldt et al. 2019, arXiv:1906.08632.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import erf


@dataclass(frozen=True)
class Activation:
    """An activation with its slope and its Gaussian averages.

    Attributes:
        name: what it is called in tables.
        value: g, on arrays.
        slope: g′, on arrays.
        i2: (c11, c12, c22) → ⟨g(z₁) g(z₂)⟩.
        i3: (c11, c12, c13, c23, c33) → ⟨g′(z₁) z₂ g(z₃)⟩.
        i4: (c11, c12, c13, c14, c22, c23, c24, c33, c34, c44) → ⟨g′(z₁) g′(z₂) g(z₃) g(z₄)⟩.
        j2: (c11, c12, c22) → ⟨g′(z₁) g′(z₂)⟩.
    """

    name: str
    value: Callable
    slope: Callable
    i2: Callable
    i3: Callable
    i4: Callable
    j2: Callable


def _erf_value(z):
    return erf(z * np.sqrt(0.5))


def _erf_slope(z):
    return np.sqrt(2 / np.pi) * np.exp(-0.5 * z * z)


def _erf_i2(c11, c12, c22):
    return 2 / np.pi * np.arcsin(c12 / np.sqrt((1 + c11) * (1 + c22)))


def _erf_i3(c11, c12, c13, c23, c33):
    below = np.sqrt((1 + c11) * (1 + c33) - c13**2)
    return 2 / np.pi * (c23 * (1 + c11) - c12 * c13) / (below * (1 + c11))


def _erf_i4(c11, c12, c13, c14, c22, c23, c24, c33, c34, c44):
    l4 = (1 + c11) * (1 + c22) - c12**2
    l0 = l4 * c34 - c23 * c24 * (1 + c11) - c13 * c14 * (1 + c22) + c12 * (c13 * c24 + c14 * c23)
    l1 = l4 * (1 + c33) - c23**2 * (1 + c11) - c13**2 * (1 + c22) + 2 * c12 * c13 * c23
    l2 = l4 * (1 + c44) - c24**2 * (1 + c11) - c14**2 * (1 + c22) + 2 * c12 * c14 * c24
    return 4 / np.pi**2 * np.arcsin(l0 / np.sqrt(l1 * l2)) / np.sqrt(l4)


def _erf_j2(c11, c12, c22):
    return 2 / np.pi / np.sqrt((1 + c11) * (1 + c22) - c12**2)


def _linear_i4(c11, c12, c13, c14, c22, c23, c24, c33, c34, c44):
    return c34 + np.zeros(np.broadcast_shapes(np.shape(c12), np.shape(c34)))


ERF = Activation("erf", _erf_value, _erf_slope, _erf_i2, _erf_i3, _erf_i4, _erf_j2)
LINEAR = Activation(
    "linear",
    value=lambda z: z,
    slope=np.ones_like,
    i2=lambda c11, c12, c22: c12,
    i3=lambda c11, c12, c13, c23, c33: c23 + np.zeros(np.broadcast_shapes(np.shape(c13), np.shape(c23))),
    i4=_linear_i4,
    j2=lambda c11, c12, c22: np.ones(np.shape(c12)),
)
