"""Sparse equations over the pixels of a picture, solved by conjugate gradients with a multigrid cycle before each
step: tens of steps where conjugate gradients alone take thousands (Krishnan and Szeliski 2011 compare such solvers).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg, splu

from colorcli.errors import ColorcliError

COARSEST = 1500  # unknowns that are solved for directly
DAMPING = 0.7  # of Jacobi's method, which smooths on every level
OVERCORRECTION = 1.5  # of what comes from a coarser level, which blocks of constants understate (Braess 1995)
TOLERANCE = 2e-5  # of the residual, relative: leaves errors of hundredths where the values are tens
MOST_STEPS = 500


class Multigrid:
    """Solves A x = b. Each level joins the unknowns of 2 x 2 pixels to one."""

    def __init__(self, A: sparse.csr_matrix, places: np.ndarray) -> None:
        """A: symmetric, positive definite, (N, N). places: int (N, 2), row and column of each unknown's pixel."""
        self.A = A
        self.levels: list[tuple[sparse.csr_matrix, sparse.csr_matrix, np.ndarray]] = []
        while A.shape[0] > COARSEST:
            width = int(places[:, 1].max()) // 2 + 1
            blocks, block = np.unique(places[:, 0] // 2 * width + places[:, 1] // 2, return_inverse=True)
            if len(blocks) == len(block):
                break
            places = np.stack(np.divmod(blocks, width), 1)
            ones = np.ones(len(block))
            widen = sparse.csr_matrix((ones, (np.arange(len(block)), block)), shape=(len(block), len(blocks)))
            self.levels.append((A, widen, DAMPING / A.diagonal()))
            A = sparse.csr_matrix(widen.T @ A @ widen)
        self.coarsest = splu(A.tocsc())

    def solve(self, b: np.ndarray) -> np.ndarray:
        """x (N,) for b (N,), to TOLERANCE. ColorcliError where MOST_STEPS do not get there."""
        cycle = LinearOperator(self.A.shape, lambda residual: self._cycle(residual.ravel(), 0))
        x, left = cg(self.A, b, rtol=TOLERANCE, maxiter=MOST_STEPS, M=cycle)
        if left:
            raise ColorcliError("the equations that spread the hints' colours were not solved: give fewer or others")
        return x

    def _cycle(self, b: np.ndarray, level: int) -> np.ndarray:
        """An x that nearly solves the equations of a level: smoothed, corrected from the next level, smoothed."""
        if level == len(self.levels):
            return self.coarsest.solve(b)
        A, widen, smooth = self.levels[level]
        x = smooth * b
        x = x + smooth * (b - A @ x)
        x = x + OVERCORRECTION * (widen @ self._cycle(widen.T @ (b - A @ x), level + 1))
        x = x + smooth * (b - A @ x)
        return x + smooth * (b - A @ x)
