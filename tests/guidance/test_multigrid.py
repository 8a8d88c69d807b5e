import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import splu

from colorcli.guidance.multigrid import MOST_STEPS, Multigrid


def equations(side: int, contrast: float):
    """A Laplacian of side x side pixels with random ties from 1 / contrast to 1, held at a few pixels."""
    rng = np.random.default_rng(0)
    index = np.arange(side * side).reshape(side, side)
    one = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    other = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    half = sparse.coo_matrix((contrast ** -rng.random(len(one)), (one, other)), shape=(side**2, side**2)).tocsr()
    ties = half + half.T
    A = sparse.diags(np.asarray(ties.sum(1)).ravel()) - ties
    held = np.zeros(side**2)
    held[rng.integers(0, side**2, 5)] = 1
    places = np.stack(np.divmod(np.arange(side**2), side), 1)
    return sparse.csr_matrix(A + sparse.diags(held)), places, held * rng.normal(0, 40, side**2)


@pytest.mark.parametrize(("side", "contrast"), [(20, 1.0), (90, 1.0), (90, 1e4)])
def test_it_finds_what_a_direct_solver_finds(side, contrast):
    A, places, b = equations(side, contrast)
    assert np.abs(Multigrid(A, places).solve(b) - splu(A.tocsc()).solve(b)).max() < 0.5


def test_the_cycle_saves_nearly_all_steps(monkeypatch):
    A, places, b = equations(90, 1e4)
    solver, cycles = Multigrid(A, places), []
    plain = solver._cycle
    monkeypatch.setattr(solver, "_cycle", lambda r, level: cycles.append(level) or plain(r, level))
    solver.solve(b)
    assert 5 < cycles.count(0) < 60 < MOST_STEPS


def test_pixels_without_neighbours_end_the_coarsening():
    places = np.stack([np.arange(2000) * 1000, np.zeros(2000, np.int64)], 1)
    assert Multigrid(sparse.csr_matrix(sparse.identity(2000) * 2.0), places).solve(np.ones(2000)) == pytest.approx(0.5)
