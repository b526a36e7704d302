"""One BLAS thread: two that wait for each other on a busy machine take a hundred times as long for these small matrices."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def _one_blas_thread():
    with threadpool_limits(1):
        yield
