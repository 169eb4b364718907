"""The parts of the plastic experiments that need no simulation: data, naming, and the rule's series."""

import gzip
import struct

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import diehl_cook, metaplasticity


def idx(array):
    """The bytes of an IDX file, as MNIST has them."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def test_idx_files(tmp_path):
    rng = np.random.default_rng(0)
    images = {part: rng.integers(0, 256, (n, 4, 4), np.uint8) for part, n in (("train", 5), ("t10k", 3))}
    labels = {part: rng.integers(0, 10, len(x), np.uint8) for part, x in images.items()}
    for part in images:
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx(images[part]))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels[part])))
    pixels, label = diehl_cook.load(str(tmp_path))
    both = np.concatenate([images["train"], images["t10k"]])
    np.testing.assert_allclose(pixels, both.reshape(8, 16) / 255.0, rtol=1e-6)
    np.testing.assert_array_equal(label, np.concatenate([labels["train"], labels["t10k"]]))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(b"not an image")
    with pytest.raises(ValueError, match="no IDX file"):
        diehl_cook.load(str(tmp_path))
    (tmp_path / "t10k-images-idx3-ubyte").unlink()
    with pytest.raises(ValueError, match="expected MNIST's four IDX files"):
        diehl_cook.load(str(tmp_path))


def test_neurons_are_named_and_images_told():
    """Two neurons for class 3 that fire little, one for class 7 that fires much: means decide, not sums."""
    responses = jnp.asarray([[2.0, 3.0, 1.0], [3.0, 2.0, 1.0], [0.0, 1.0, 9.0], [2.0, 2.0, 3.0], [3.0, 3.0, 2.0]])
    label = jnp.asarray([3, 3, 7, 7, 3])
    np.testing.assert_array_equal(diehl_cook.named(responses[:3], label[:3]), [3, 3, 7])
    np.testing.assert_array_equal(diehl_cook.decided(responses, label, 3), [3, 3, 7, 7, 3])


def test_nearest_mean():
    images = jnp.asarray([[0.0, 0.0], [0.2, 0.0], [1.0, 1.0], [0.9, 0.8], [0.1, 0.3]])
    np.testing.assert_array_equal(diehl_cook.nearest_mean(images, jnp.asarray([1, 1, 2, 2, 1]), 3)[3:], [2, 1])


def test_polynomial():
    theta = np.random.default_rng(1).normal(size=(2, 3, 4)).astype(np.float32)
    x, y, w = 0.3, 1.2, -0.7
    powers = (np.float64(v) ** np.arange(n) for v, n in zip((x, y, w), theta.shape))
    expected = np.einsum("abc,a,b,c", theta, *powers)
    assert metaplasticity.polynomial(theta, x, y, w) == pytest.approx(expected, rel=1e-5)
