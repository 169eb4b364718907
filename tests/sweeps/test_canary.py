"""The jax that is installed computes what jax 0.10.2 gets wrong (the same check that `jaxsnn info` runs).

Its negative control is that release itself, on which the check was seen to fail, in float32 and float64.
"""

from jaxsnn._health import matvec_is_right


def test_this_jax_is_not_the_broken_one():
    assert matvec_is_right()
