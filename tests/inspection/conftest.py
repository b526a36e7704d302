"""What the tests of inspection share: every weight of a model is accounted for."""

import numpy as np
import pytest

from tfredundancy.inspection.matrices import weight_matrices
from tfredundancy.paths import variable_paths


@pytest.fixture(scope="session")
def check_coverage():
    """Return a function that asserts that nothing is missing and nothing is counted twice.

    `analysed` is the number of matrices that no other one holds.
    """

    def check(model, analysed):
        found = list(weight_matrices(model))
        whole = [m for m in found if m.reason is None and m.part_of is None]
        assert len({m.path for m in found}) == len(found) and len(whole) == analysed
        kernels = {
            p: v for p, v in variable_paths(model).items() if v.trainable and len(v.shape) > 1 and v.name != "bias"
        }
        kernels = {path: v for path, v in kernels.items() if not _is_explained(path, found)}
        assert {m.path.partition("[")[0] for m in whole} == set(kernels)
        assert sum(m.units().size for m in whole) == sum(int(np.prod(v.shape)) for v in kernels.values())
        holders = {
            path.rpartition("/")[0] for path in variable_paths(model) if not path.endswith("seed_generator_state")
        }
        assert holders <= {m.layer for m in found}

    return check


def _is_explained(path, found):
    return any(m.reason is not None and path.startswith(m.path) for m in found)
