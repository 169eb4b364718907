"""What no chip holds is refused when built, set, and verified, and is a status where it was traced."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn._tree import get, paths
from jaxsnn._types import out_of_bounds, parameters
from jaxsnn.chips.loihi.arithmetic import decay
from jaxsnn.chips.loihi.learning.rule import Factor, Product, SumOfProducts
from jaxsnn.lowering.integers import add
from tests.chips.loihi.programs import program
from tests.oracles import loihi_cases
from tests.refused import refused

KEY = jax.random.key(0)
TARGET = snn.chips.loihi.Loihi1()
KINDS = snn.chips.loihi.Loihi2().kinds


def cells(kind, **numbers):
    turn = snn.chips.loihi.resonator_coefficients(10.0, 0.1, 15) if "sin" in kind.__dataclass_fields__ else {}
    turn = {key: x for key, x in turn.items() if key in kind.__dataclass_fields__}
    return kind(3, **{**turn, **numbers})


def parts():
    """Of every kind of part of a program one, with the fields that have a range."""
    made = [cells(kind) for kind in KINDS]
    image = snn.chips.loihi.ConvSynapses("a", "b", np.full((1, 1, 2, 2), 3), image=(1, 4, 4))
    matrix = snn.chips.loihi.Synapses("a", "b", [[2, -2]])
    rule = snn.chips.loihi.LoihiRule("x0*y1", y1=snn.chips.loihi.LoihiTrace(2.0, 3.0))
    made += [
        matrix,
        snn.chips.loihi.SparseSynapses.of(matrix, np.ones((1, 2), bool)),
        image,
        snn.chips.loihi.CellNoise(),
    ]
    made += [
        snn.chips.loihi.LearningSynapses("a", "b", [[2, 4]], rule=rule),
        snn.chips.loihi.LoihiTrace(),
        Product("x0"),
        Factor("w"),
    ]
    numbers = [(part, name, (limits["ge"], limits["le"])) for part in made for name, _, limits in parameters(part)]
    return [(part, name, ends) for part, name, ends in numbers if None not in ends]


@pytest.mark.parametrize(("part", "name", "ends"), parts(), ids=lambda x: x if isinstance(x, str) else type(x).__name__)
def test_every_register_has_ends(part, name, ends):
    """Beyond either end it is refused by name; the status of a traced one says so; at the ends it is taken."""
    value = getattr(part, name)
    for end, out in zip(ends, (-1, 1), strict=True):
        if not -(2**31) < end + out < 2**31:
            continue
        beyond = jnp.full_like(value, end + out)
        changed = eqx.tree_at(lambda p: getattr(p, name), part, beyond)
        with refused(f"{type(part).__name__}.{name} is {end + out}", f"from {ends[0]} to {ends[1]}"):
            snn.set(part, name, beyond)
        assert bool(out_of_bounds(changed))
    assert not bool(out_of_bounds(part))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: snn.chips.loihi.Synapses("a", "b", [[-3]], sign=snn.chips.loihi.Excitatory()),
            "Synapses.weight is -3",
        ),
        (lambda: snn.chips.loihi.Synapses("a", "b", [[3]], sign=snn.chips.loihi.Inhibitory()), "Synapses.weight is 3"),
        (lambda: snn.chips.loihi.Synapses("a", "b", [[3.5]]), "whole numbers"),
        (lambda: snn.chips.loihi.Synapses("a", "b", None), "whole number"),
        (lambda: snn.chips.loihi.Synapses("a", "b", [[3]], exponent=[1, 2]), "one number for the group"),
        (lambda: snn.chips.loihi.Synapses("a", "b", [[3]], max_delay=-1), "max_delay is -1"),
        (lambda: snn.chips.loihi.Synapses(3, "b", [[3]]), "expected names of cells"),
        (lambda: snn.chips.loihi.CubaCells(0), "CubaCells.n is 0"),
        (lambda: snn.chips.loihi.CubaCells(2.0), "CubaCells.n is 2.0"),
        (lambda: snn.chips.loihi.CubaCells(2, threshold=[1, 2, 3]), "has shape (3,)"),
        (lambda: snn.chips.loihi.CubaCells(2, ports={"in": np.nan}), "not finite"),
        (lambda: snn.chips.loihi.CubaCells(2, ports=3), "expected what a unit of each adds"),
        (lambda: snn.chips.loihi.CubaCells(2, noise=3), "expected CellNoise"),
        (lambda: snn.lowering.InputCells(3, message_bits=True), "message_bits is True"),
        (lambda: snn.chips.loihi.LoihiTrace(200.0), "at most 127"),
        (lambda: snn.chips.loihi.LoihiTrace("x"), "expected one number"),
        (lambda: snn.chips.loihi.LoihiRule(3), "expected a string such as"),
        (lambda: snn.chips.loihi.LoihiRule("x0*y1", y1=3), "expected LoihiTrace"),
        (lambda: Product("q0"), "expected one of x0"),
        (lambda: Product("x0", (Factor("w"),) * 4), "32 bits"),
        (lambda: Factor("q"), "expected one of"),
        (lambda: SumOfProducts(()), "at least one"),
        (
            lambda: snn.chips.loihi.ConvSynapses("a", "b", np.ones((1, 1, 2, 2)), image=(1, 4, 4), stride=0),
            "stride is (0, 0)",
        ),
        (lambda: snn.chips.loihi.Loihi1(cells=0), "Loihi1.cells is 0"),
        (lambda: snn.chips.loihi.Loihi1(core=3), "expected a Core"),
        (lambda: snn.chips.loihi.Core(accumulator=3), "Core.accumulator is 3"),
        (lambda: snn.chips.loihi.program({"a.b": snn.lowering.InputCells(2)}, {}), "names without dots"),
        (lambda: snn.chips.loihi.program({"a": 3}, {}), "'a': int"),
        (lambda: snn.chips.loihi.program({"a": snn.lowering.InputCells(2)}, {}, dt=-1.0), "dt is -1.0"),
        (lambda: TARGET.passes(snn.lowering.Precision(weight=9)), "Precision.weight is 9"),
        (lambda: TARGET.passes(snn.lowering.Precision(decay=0)), "Precision.decay is 0"),
        (lambda: dataclasses.replace(TARGET.passes()[4], margin=0.0), "BalanceScales.margin is 0.0"),
        (lambda: snn.chips.loihi.resonator_coefficients(0.0, 0.1), "expected steps, not 0"),
        (lambda: snn.lowering.Calibration(snn.drives.Silence(), steps=0, key=KEY), "Calibration.steps is 0"),
        (lambda: snn.lowering.Calibration(3, steps=2, key=KEY), "expected a drive"),
        (lambda: snn.lowering.spike_agreement(np.ones((3, 2)), np.ones((3, 2)), within=-1), "within = -1"),
        (lambda: snn.chips.loihi.learning_rule_for(snn.chain(snn.PairSTDP(), snn.Bound()), -1.0), "dt = -1.0"),
        (lambda: snn.lowering.relax(3), "expected a Program"),
        (lambda: snn.lower(net(), TARGET, precision=snn.lowering.Precision(weight=0)), "Precision.weight is 0"),
        (lambda: snn.lower(net(), TARGET, precision=4), "precision = 4"),
        (lambda: snn.lower(net(), TARGET, precision=snn.lowering.Precision(), passes=[]), "precision and passes"),
        (lambda: snn.lower(3, TARGET), "expected a network"),
        (lambda: snn.lowering.verify(small(), "loihi1"), "a target"),
        (lambda: snn.lower(net(), "loihi1"), "a target"),
        (lambda: snn.lower(net(), TARGET, passes=[3]), "Got 3 among the passes"),
        (lambda: snn.lower(net(), TARGET, passes=TARGET.passes()[0]), "expected a list of passes"),
        (lambda: snn.lower(net(), TARGET, passes=TARGET.passes()[1:]), "passes are left out"),
        (lambda: snn.lower(net(), TARGET, passes=TARGET.passes()[:3]), "put Quantise into the list"),
        (lambda: snn.lower(net(), TARGET, calibrate=snn.drives.Silence()), "expected Calibration"),
    ],
    ids=lambda part: part if isinstance(part, str) else "given",
)
def test_nonsense_is_one_sentence(make, said):
    with refused(said):
        make()


def net():
    cells = {"in": snn.SpikeSource(2), "E": snn.Population(snn.LIF(), 2)}
    link = snn.Connection(
        "in", "E", snn.AllToAll(), via=snn.Dense(), weight=jnp.array([[5.0, -3.0], [2.0, 1.0]]), delay=1.0
    )
    return snn.network(dt=1.0, key=KEY, populations=cells, projections={"w": link})


def small(core=None, **numbers):
    made = {"a": snn.lowering.InputCells(1), "b": snn.chips.loihi.CubaCells(1, **numbers)}
    return snn.chips.loihi.program(
        made, {"s": snn.chips.loihi.Synapses("a", "b", [[20]])}, core or snn.chips.loihi.Loihi1Core()
    )


def test_a_program_is_verified_number_by_number():
    snn.lowering.verify(small(), snn.chips.loihi.Loihi1())
    for path, value, said in (
        ("cells.b.bias", 9999, "'b': CubaCells.bias is 9999"),
        ("synapses.s.weight", 400, "'s': Synapses.weight is 400"),
        ("synapses.s.exponent", 9, "'s': Synapses.exponent is 9"),
    ):
        old = get(small(), path)
        changed = eqx.tree_at(lambda p, path=path: get(p, path), small(), jnp.full_like(old, value))
        with refused(said):
            snn.lowering.verify(changed, snn.chips.loihi.Loihi1())
    with refused("'b' is refractory for 64 steps", "Loihi1 is 63"):
        snn.lowering.verify(small(refractory=64), snn.chips.loihi.Loihi1())
    group = snn.chips.loihi.Synapses("a", "b", [[-256]], sign=snn.chips.loihi.Inhibitory())
    made = snn.chips.loihi.program({"a": snn.lowering.InputCells(1), "b": snn.chips.loihi.CubaCells(1)}, {"s": group})
    snn.lowering.verify(made, snn.chips.loihi.Loihi1())
    with refused("'s' has weights of -256", "-255 .. 0"):
        snn.lowering.verify(made, snn.chips.loihi.Loihi2())


def test_what_is_traced_is_a_status():
    @eqx.filter_jit
    @jax.vmap
    def status(bias, weight):
        made = eqx.tree_at(lambda p: (p.cells["b"].bias, p.synapses["s"].weight), small(), (bias, weight[None, None]))
        return snn.simulate(made, snn.drives.Silence(), steps=2, key=KEY, record={}, throw=False).status

    found = status(jnp.array([10, 5000, 10]), jnp.array([20, 20, 300]))
    assert [int(x) for x in found] == [0, snn.Status.PARAMETER_RANGE, snn.Status.PARAMETER_RANGE]


def test_bits_that_are_traced_are_a_status():
    """Whatever of the three is out of its range; those within are clean."""

    @eqx.filter_jit
    @jax.vmap
    def status(bits):
        made = snn.lower(net(), TARGET, precision=snn.lowering.Precision(*bits)).program
        return snn.simulate(made, snn.drives.Silence(), steps=1, key=KEY, record={}, throw=False).status

    found = status(jnp.array([[4, 5, 6], [0, 12, 17], [8, 13, 17], [8, 12, 0]]))
    assert [bool(x & snn.Status.PARAMETER_RANGE) for x in found] == [False, True, True, True]


def test_set_keeps_a_number_or_refuses_it():
    """3.7 is no bias; the checks go from the part outward, so that the first sentence names it."""
    assert int(snn.set(small(), "b.bias", 3.0).cells["b"].bias) == 3
    for path, value, said in (
        ("b.bias", 3.7, "Got 3.7 for 'b.bias'"),
        ("b.bias", np.nan, "Got nan for 'b.bias'"),
        ("b.bias", "x", "Got 'x' for 'b.bias'"),
        ("b.bias", 2**40, "Got 1099511627776 for 'b.bias'"),
        ("s.weight", 3, "Synapses.weight has shape ()"),
    ):
        with refused(said):
            snn.set(small(), path, value)


def test_every_path_is_the_one_that_get_takes():
    """Of a program the scale of a group is not the group; and a network has its parts directly below it."""
    made = snn.lower(net(), TARGET).program
    for model in (made, snn.lowering.relax(made), net()):
        for path, leaf in zip(jax.tree.leaves(paths(model)), jax.tree.leaves(model), strict=True):
            assert get(model, path) is leaf
    found = jax.tree.leaves(paths(made))
    assert "scale.E" in found and "E.bias" in found and "E" not in found


def test_32_bits_end_before_their_sign_does():
    """Brian2Loihi's core holds what it cannot have at 2^31 - 1, says so, and decays it towards 0 from either side."""
    for sign in (1, -1):
        end, lost = add(jnp.int32(sign * (2**31 - 5)), jnp.int32(sign * 100))
        assert int(end) == sign * (2**31 - 1) and bool(lost)
        assert int(decay(end, jnp.int32(2048))) == sign * ((2**31 - 1) // 2)
    whole, lost = add(jnp.int32(-(2**30)), jnp.int32(-(2**30)))
    assert int(whole) == -(2**31) + 1 and bool(lost)
    case = loihi_cases.case("brian2loihi", 2)
    registers = dict(decay_u=0, decay_v=0, threshold=131071, v_min=-(2**23) + 1, refractory=1, bias=0, bias_exponent=0)
    case["cells"]["E"] |= {key: np.full(loihi_cases.N, x) for key, x in registers.items()}
    case["links"]["in"] |= {
        "weight": np.full((loihi_cases.M, loihi_cases.N), -254),
        "sign": "inh",
        "bits": 8,
        "exponent": 7,
    }
    steps = 600
    run = snn.simulate(
        program(case, max_delay=3),
        snn.Replay(jnp.ones((steps, loihi_cases.M)), into="in"),
        steps=steps,
        key=KEY,
        record={"v": snn.Trace("E.v")},
        throw=False,
    )
    v = np.asarray(run["v"], np.int64)
    assert np.all(v <= 0) and v.min() == -(2**31) + 1
    assert int(run.status) & snn.Status.CURRENT_OVERFLOW
