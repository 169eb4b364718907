"""What is no choice of a field is refused where it is given, whatever the class that has the field."""

import equinox as eqx
import pytest

import jaxsnn as snn
from jaxsnn._choices import check_choices

WRONG = {
    "a name for a choice": (lambda: snn.LIF(refractory_input="buffer"), "LIF.refractory_input is 'buffer' (str)"),
    "the class for its instance": (lambda: snn.LIF(reset_mechanism=snn.resets.Subtract), "is the class Subtract"),
    "a choice of another field": (lambda: snn.LIF(comparator=snn.resets.Subtract()), "LIF.comparator is Subtract("),
    "asked for its class only": (lambda: snn.LIF(reset_time="next"), "expected NextStep(...) or SameStep(...)"),
    "of a recursion": (lambda: snn.CubaLIF(recursion="exact"), "CubaLIF.recursion is 'exact'"),
    "a number": (lambda: snn.LIF(gain=250.0), "Capacitance(...), PerStep(...) or Resistance(...)"),
    "a function": (lambda: snn.LIF(surrogate=lambda v: v), "LIF.surrogate is <lambda>"),
    "before what reads it": (lambda: snn.HodgkinHuxley(integrator="rk4"), "HodgkinHuxley.integrator is 'rk4'"),
    "of a rule": (lambda: snn.PairSTDP(pairs="all"), "expected AllPairs(...) or NearestNeighbour(...)"),
    "of an order": (lambda: snn.NestOrder(sums="deterministic"), "expected AnyOrder(...) or Deterministic(...)"),
    "of an estimator": (lambda: snn.EProp(feedback="random"), "EProp.feedback is 'random'"),
    "of a loss": (lambda: snn.CrossEntropy("out.v"), "CrossEntropy.probe is 'out.v'"),
    "of a distribution": (lambda: snn.Normal(0.0, 1.0, outside="clip"), "expected Clip(...) or Redraw(...)"),
    "of a port": (lambda: snn.UnlessRefractory(5.0), "UnlessRefractory.port is 5.0"),
    "of a chip": (lambda: snn.chips.loihi.Core(scaling=3), "Core.scaling is 3"),
    "of a rule of a chip": (
        lambda: snn.chips.loihi.LoihiRule(dw="2^-4*x0*y0", rounding="lava"),
        "LoihiRule.rounding is 'lava'",
    ),
    "of a convention": (lambda: snn.interop.conventions.Nir(decay="exact"), "Nir.decay is 'exact'"),
    "of schedules": (lambda: snn.checkpointing.Truncated(10, within="all"), "Truncated.within is 'all'"),
    "text for a flag": (
        lambda: snn.resets.ToValue(detach="no"),
        "ToValue.detach is 'no' (str), expected True or False",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_choice_is_refused_with_the_choices(name):
    make, words = WRONG[name]
    with pytest.raises(ValueError) as error:
        make()
    assert words in str(error.value)


class Wider(snn.resets.Subtract):
    """A choice that the library does not have."""


class Named(eqx.Module):
    """A field whose type is named for a type checker only, one that is optional, and one that is no choice."""

    unknown: "OnlyForATypeChecker"  # type: ignore[name-defined]
    reset: snn.resets.AbstractReset | None = None
    text: str = "anything"


def test_what_is_a_choice_is_taken():
    assert isinstance(snn.LIF(reset_mechanism=Wider()).reset_mechanism, Wider)
    check_choices(Named(3))
    check_choices(Named("x", Wider(), text=5))
    with pytest.raises(ValueError, match=r"Named.reset is 5 \(int\), expected NoReset\(...\), .* or None"):
        check_choices(Named(3, 5))
