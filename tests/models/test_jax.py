"""The networks and the augmentation run where TensorFlow is not even imported."""

SCRIPT = """
import sys
import jax, numpy as np
from tfredundancy.datasets import augment
from tfredundancy.models import resnet
image = np.array([1, 2, 3], np.uint8).reshape(1, 1, 3, 1)
shifted = jax.jit(lambda drawn: augment(image, drawn, 1))(np.array([[1, 1, 1]]))
assert np.ravel(shifted).tolist() == [3, 2, 1] and shifted.dtype == np.uint8
model = resnet(8, (4, 4, 1), width=2, shortcut="identity_pad", gamma="uniform", seed=0)
assert jax.jit(model)(np.ones((2, 4, 4, 1), np.float32)).shape == (2, 10)
assert "tensorflow" not in sys.modules
"""


def test_networks_and_augmentation_run_with_jax(run_with_jax):
    run_with_jax(SCRIPT)
