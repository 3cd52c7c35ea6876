"""Prove the bound of a hypernorm certificate without hypernorm: `python verify_certificate.py X.npy certificate.npz`.

Needs numpy and python-flint. Certificates of the kinds realigned and sos, for every q > 2. All that decides is done in
integers, fractions, and balls (intervals that contain the number they stand for); floating point only makes guesses.
"""

import sys
import zipfile
from collections import defaultdict
from fractions import Fraction
from itertools import combinations_with_replacement
from math import comb, factorial, inf, isqrt, nextafter, prod

import numpy as np
from flint import arb, ctx, fmpz_mat

ctx.prec = 128  # bits of a ball


def integers(floats):
    """Integers A and a number s with floats = A / 2**s, exactly."""
    ratios = [x.as_integer_ratio() for x in np.ravel(floats).tolist()]
    s = max(q.bit_length() - 1 for _, q in ratios)
    return np.array([p * (2**s // q) for p, q in ratios], dtype=object).reshape(np.shape(floats)), s


def times(A, B):
    """The product of two matrices of integers."""
    C = fmpz_mat(A.tolist()) * fmpz_mat(B.tolist())
    return np.array([int(x) for x in C.entries()], dtype=object).reshape(C.nrows(), C.ncols())


def identity(d):
    return np.eye(d, dtype=int).astype(object)


def is_definite(A):
    """Whether a symmetric matrix of integers is proved to be positive definite."""
    size = max(abs(x) for x in A.ravel())
    if size == 0:
        return False
    guess = (A / size).astype(float)
    c = np.linalg.eigvalsh(guess)[0] / 2
    if not c > 0:
        return False
    try:
        L = np.linalg.cholesky(guess - c * np.eye(len(A)))
    except np.linalg.LinAlgError:
        return False
    # Up to here nothing has to be accurate. From here on nothing is rounded.
    c = int(c * 2.0**120)
    L = np.array([int(x) for x in np.ravel(L * 2.0**60)], dtype=object).reshape(A.shape)
    rest = 2**120 * A - size * (c * identity(len(A)) + times(L, L.T))
    return sum(x * x for x in rest.ravel()) < (size * c) ** 2


def second(A, s, value, U, order):
    """Whether Σ ⟨y_i, v⟩² ≤ value is proved for all unit v, y_i being the rows of A / 2**s."""
    p, q = value.as_integer_ratio()
    return is_definite(p * 4**s * identity(A.shape[1]) - q * times(A.T, A))


def realigned(A, s, value, U, order):
    """Whether (Σ ⟨y_i, v⟩⁴)² ≤ value is proved."""
    p, q = value.as_integer_ratio()
    U, _ = integers(U)
    N = 0
    for block in np.array_split(A, range(256, len(A), 256)):
        weights = times(block, A.T) ** 2 * times(times(block, U), A.T)
        N = N + times(block.T, times(weights, A))
    return is_definite(U) and is_definite(p * 256**s * U - q * N)


def sos(A, s, value, H, order):
    """Whether Σ ⟨y_i, v⟩^order ≤ value is proved."""
    d, k = A.shape[1], order // 2
    m = next(m for m in range(k, 7) if comb(d + m - 1, m) == len(H))
    half = list(combinations_with_replacement(range(d), k))
    Z = np.array([prod(A[:, j] for j in alpha) for alpha in half])
    sums = times(Z, Z.T)  # Σ_i y_i^(α+β), times 2**(order * s)
    form = {}
    for a, alpha in enumerate(half):
        for b, beta in enumerate(half):
            gamma = tuple(sorted(alpha + beta))
            form[gamma] = multinomial(gamma) * sums[a, b]
    for _ in range(m - k):
        form = times_norm(form, d)
    H, t = integers(H)
    basis = list(combinations_with_replacement(range(d), m))
    rest = {gamma: 2**t * coefficient for gamma, coefficient in form.items()}
    for a, alpha in enumerate(basis):
        for b, beta in enumerate(basis):
            rest[tuple(sorted(alpha + beta))] -= 2 ** (order * s) * H[a, b]
    square = sum(Fraction(r * r, multinomial(gamma)) for gamma, r in rest.items())
    norm = Fraction(isqrt(int(square * 4**64)) + 1, 2 ** (64 + order * s + t))  # above the root of the square
    p, q = (value - norm).as_integer_ratio()
    weights = np.array([multinomial(alpha) for alpha in basis], dtype=object)
    return is_definite(p * 2**t * np.diag(weights) - q * H)


def multinomial(gamma):
    return factorial(len(gamma)) // prod(factorial(gamma.count(j)) for j in set(gamma))


def times_norm(form, d):
    """The coefficients of ‖v‖² times a form."""
    product = defaultdict(int)
    for gamma, coefficient in form.items():
        for j in range(d):
            product[tuple(sorted((*gamma, j, j)))] += coefficient
    return product


def plan(kind, q):
    """For each factor the proof, the order p, the weight a and the share t."""
    proof = {"realigned": realigned, "sos": sos}[kind]
    if kind == "sos" and q in (6, 8):
        return [(proof, int(q), Fraction(0), Fraction(1))]
    if q >= 4:
        return [(proof, 4, q - 4, Fraction(1))]
    return [(second, 2, q - 2, (4 - q) / 2), (proof, 4, q - 4, (q - 2) / 2)]


def reweighted(A, s, radius, power):
    """Integers and a number like A and s, for the rows times floats that are at least (length / radius)**power."""
    if power == 0:
        return A, s
    lengths = [ball(sum(x * x for x in row)).sqrt() / ball(Fraction(2) ** s) for row in A]
    weights = [above((r / ball(radius)) ** ball(power)) if r > 0 else 0.0 for r in lengths]
    if inf in weights:
        return None, 0
    weights, t = integers(weights)
    return weights[:, None] * A, s + t


def ball(number):
    p, q = Fraction(number).as_integer_ratio()
    return arb(p) / arb(q)


def above(x):
    """A float that is at least every number in a ball."""
    return nextafter(float(x.upper()), inf)


def symmetric(triangle):
    """The matrix whose lower triangle is given row by row."""
    size = isqrt(2 * len(triangle))
    A = np.zeros((size, size))
    A[np.tril_indices(size)] = triangle
    return A + np.tril(A, -1).T


def fields(file, d):
    """q, e, R, and for each factor its plan, λ_j and matrix; None unless each is of its type and in its range."""
    types = {"kind": "U", "q": "f8", "exponent": "i8", "radius": "f8", "values": "f8"}
    if not all(name in file and file[name].dtype.str[1:].startswith(type) for name, type in types.items()):
        return None
    kind, q, e, radius, values = (file[name] for name in types)
    if not (kind.shape == q.shape == e.shape == radius.shape == () and str(kind) in ("realigned", "sos")):
        return None
    q, e, radius = float(q), int(e), float(radius)
    if not (2 < q <= 1e6 and abs(e) <= 2100 and 0 < radius < inf):  # the plan is valid for these q
        return None
    factors = plan(str(kind), Fraction(q))
    if not (values.shape == (len(factors),) and all(0 <= value < inf for value in values)):
        return None
    found = []
    for j, (proof, p, a, t) in enumerate(factors):
        matrix = None
        if proof is not second:
            sides = [comb(d + m - 1, m) for m in range(p // 2, 7)] if proof is sos else [d]
            triangle = file.get(f"matrix_{j}", np.zeros(0))
            if not (triangle.dtype in ("f4", "f8") and triangle.shape in [(m * (m + 1) // 2,) for m in sides]):
                return None
            matrix = symmetric(triangle)
            if not np.isfinite(matrix).all():
                return None
        found.append((proof, p, a, t, Fraction(float(values[j])), matrix))
    return Fraction(q), e, radius, found


def verify(X, file):
    """The bound on max ‖Xv‖_q over unit vectors v that a certificate proves; None if it proves none."""
    if not (type(X) in (np.ndarray, np.memmap) and X.ndim == 2 and X.size and X.dtype.kind in "fiub"):
        return None
    if not np.isfinite(X).all() or (known := fields(file, X.shape[1])) is None:
        return None
    q, e, radius, factors = known
    A, s = integers(X)
    power = arb(1)
    for proof, p, a, t, value, matrix in factors:
        rows, scale = reweighted(A, s + e, radius, a / p)
        if rows is None or not proof(rows, scale, value, matrix, p):
            return None
        form = ball(value).sqrt() if proof is realigned else ball(value)
        power *= (ball(radius) ** ball(a) * form) ** ball(t)
    return above(arb(2) ** e * power ** (1 / ball(q)))


def read(arguments):
    """The matrix and the members of the certificate; a text that says what is wrong if they cannot be read."""
    if len(arguments) != 2:
        return "usage: python verify_certificate.py X.npy certificate.npz"
    for name, suffix in zip(arguments, (".npy", ".npz"), strict=True):
        if not name.endswith(suffix):
            return f"{name} is no {suffix} file: save the matrix with numpy.save (.npy); the certificate comes second."
    try:
        X, file = np.load(arguments[0]), dict(np.load(arguments[1]))
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        return f"a file cannot be read: {error}"
    kind = str(file.get("kind", "none"))
    if kind not in ("realigned", "sos"):
        return f"not handled: kind {kind!r}; this script proves the kinds realigned and sos."
    return X, file


if __name__ == "__main__":
    found = read(sys.argv[1:])
    if isinstance(found, str):
        print(found, file=sys.stderr)
        sys.exit(2)
    bound = verify(*found)
    print("not proved" if bound is None else f"max ‖Xv‖_q ≤ {bound!r}")
    sys.exit(bound is None)
