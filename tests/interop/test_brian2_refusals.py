"""What of a Brian2 network has no counterpart is refused by its name and line, in the reader and in the translation."""

import copy
import types
from pathlib import Path

import numpy as np
import pytest

from jaxsnn.interop import describe_brian2, from_brian2
from jaxsnn.interop.brian2.reading_groups import outside
from jaxsnn.interop.brian2.reading_regular import Regular, put
from jaxsnn.interop.brian2.stored import opened
from tests.interop.test_brian2 import description

ZERO = [0.0] * 7


def line(**changed):
    return {
        "type": "parameter",
        "name": "q",
        "expr": None,
        "dim": ZERO,
        "flags": [],
        "kind": "float",
        "text": "q : 1",
        **changed,
    }


def code(given, text, side="pre"):
    next(iter(given["synapses"].values()))["pathways"][0] |= {"code": text, "side": side}


def no_method(given):
    given["groups"]["cells"]["method"] = "gsl_rkf45"


def unknown_function(given):
    given["groups"]["cells"]["names"]["poisson"] = {"function": "poisson"}


def two_tables(given):
    names = given["groups"]["adaptive"]["names"]
    names["other"] = copy.deepcopy(names["stimulus"])
    given["groups"]["adaptive"]["equations"][0]["expr"] += " + other(t, i)"


def shifted_table(given):
    expr = given["groups"]["adaptive"]["equations"][0]["expr"]
    given["groups"]["adaptive"]["equations"][0]["expr"] = expr.replace(
        "stimulus(t, i)", "stimulus(t - 1*ms, i)"
    ).replace("stimulus(t,i)", "stimulus(t - 1*ms, i)")


def table_of_rk4(given):
    given["groups"]["plain"]["method"] = "rk4"


def uneven_table(given):
    given["groups"]["plain"]["names"]["ramp"]["table"] = 0.00015


def mixed(given):
    (x,) = (line for line in given["synapses"]["S"]["equations"] if line["name"] == "x")
    x["flags"] = ["event-driven"]


def half_in_the_reset(given):
    given["groups"]["hh"]["reset"] = "heard = heard/2"


def sums(given, text, variable="joined_post"):
    given["synapses"]["S"]["summed"][0] |= {
        "expr": text,
        "variable": variable,
        "text": f"{variable} = {text} : 1 (summed)",
    }


def summed_in_a_part(given):
    given["synapses"]["S"]["target"]["stop"] = 5
    given["groups"]["G"]["values"]["joined"]["si"] = 0.0


def summed_beside_others(given):
    given["synapses"]["S"]["target"]["stop"] = 5
    given["groups"]["G"]["values"]["joined"]["si"] = np.arange(8.0)


def added_to_a_sum(given):
    path = {"name": "pre", "side": "pre", "code": "joined += w", "delay": 0.0}
    given["synapses"]["S"]["pathways"] = [path]


def no_method_of_synapses(given):
    given["synapses"]["S"]["method"] = "gsl_rkf45"


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("cuba", no_method, ("NeuronGroup 'cells'", "its method is 'gsl_rkf45'")),
        ("cuba", unknown_function, ("NeuronGroup 'cells'", "poisson() is a function")),
        ("cuba", lambda given: code(given, "ge = we"), ("Synapses 'exc'", "'ge' is set by a spike", "ge = we")),
        ("cuba", lambda given: code(given, "ge += we\ngi += ge"), ("a spike reads 'ge', which spikes", "gi += ge")),
        ("cuba", lambda given: code(given, "ge += we*nS"), ("ge is in mV, but what is given for it", "ge += we*nS")),
        ("cuba", lambda given: code(given, "nothing += we"), ("'nothing' is no variable of 'cells'",)),
        ("cuba", lambda given: code(given, "ge +* we"), ("This is no statement",)),
        ("clocked", lambda given: code(given, "x += 1*mV"), ("x is in 1",)),
        ("clocked", mixed, ("'x' is event-driven beside variables",)),
        ("tables", two_tables, ("reads 'stimulus' and 'other'; expected one TimedArray", )),
        ("tables", shifted_table, ("otherwise than by stimulus(t)", "t - 1*ms")),
        ("tables", table_of_rk4, ("NeuronGroup 'plain'", "'rk4' reads 'ramp' within a step")),
        ("tables", uneven_table, ("'ramp' has dt = 0.15 ms, expected whole steps of 0.1 ms",)),
        ("hh", lambda given: code(given, "heard += 0.5"), ("'heard' is integer", "heard += 0.5")),
        ("hh", half_in_the_reset, ("'heard' is an integer and is set to what may be none", "heard = heard/2")),
        ("gap", lambda given: sums(given, "w*rand()"), ("A random number would change within the step", "w*rand()")),
        ("gap", lambda given: sums(given, "w*other_pre"), ("Synapses 'S'", "depends on 'other_pre'")),
        ("gap", lambda given: sums(given, "w*v_pre + tau_x*mV"), ("depends on 'tau_x'",)),
        ("gap", lambda given: sums(given, "w*v_pre", "v_post"), ("'v' is summed over synapses; expected a line",)),
        ("gap", summed_in_a_part, ("its sum for a part of 'G' comes behind the step of 'G'",)),
        ("gap", summed_beside_others, ("it sums for a part of 'G', and 'joined' of the others is not 0",)),
        ("gap", lambda given: sums(given, "w*joined_pre"), ("depends on 'joined_pre', which is a sum itself",)),
        ("gap", lambda given: sums(given, "w*v_pre*mV"), ("does not fit: v_pre is in mV^-1",)),
        ("gap", added_to_a_sum, ("spikes are added to 'joined', which is summed anew", "joined : 1")),
        ("clocked", lambda given: code(given, "x += 1; v_post = 0*mV"), ("is set by a spike", "v_post = 0*mV")),
        ("clocked", lambda given: code(given, "x += 1; v_post *= 2"), ("'v_post' is set by a spike", "v_post *= 2")),
        ("clocked", lambda given: code(given, "x += other_post"), ("depends on 'other_post', which is no variable",)),
        ("clocked", lambda given: code(given, "x += 1; v += s*mV*v/mV"), ("a spike reads 'v', which spikes",)),
        ("clocked", no_method_of_synapses, ("Synapses 'S'", "its method is 'gsl_rkf45'")),
        ("clocked", lambda given: code(given, "x += 1; none_post += s"), ("'none' is no variable of 'cells'",)),
    ],
)  # fmt: skip
def test_the_translation_refuses(name, change, says):
    given = copy.deepcopy(description(name))
    change(given)
    with pytest.raises(ValueError) as caught:
        from_brian2(given)
    for part in says:
        assert part in str(caught.value)


# --- the reader: objects that look as Brian2's do ---------------------------------------------------------------------


def thing(kind, name, **given):
    clock = types.SimpleNamespace(dt_=1e-4)
    parts = {"name": name, "active": True, "when": "start", "order": 0, "clock": clock, "contained_objects": []}
    return type(kind, (), {**parts, **given})()


def network(*objects, **given):
    slots = ["start", "groups", "thresholds", "synapses", "resets", "end"]
    return types.SimpleNamespace(**{"objects": objects, "schedule": slots, "t": 0.0} | given)


GROUP = thing("NeuronGroup", "G")
OTHER = thing("NeuronGroup", "H", clock=types.SimpleNamespace(dt_=2e-4))
REGULAR = thing("CodeRunner", "G_run_regularly", abstract_code="v += 1*mV", code="v += 1*mV")


def part_of_a_group(code):
    runner = thing("CodeRunner", "G_run_regularly", abstract_code=code)
    return thing("Subgroup", "G_sub", contained_objects=[runner], start=0, stop=2)


SET_BY_PLACE = part_of_a_group("q = i")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (network(), "Network(collect())"),
        (network(GROUP, schedule=["start", "synapses", "groups"]), "its schedule is ['start', 'synapses', 'groups']"),
        (network(GROUP, OTHER), "'G' has dt = 0.1 ms and 'H' 0.2 ms"),
        (network(GROUP, t=0.05), "it has run up to 50 ms"),
        (network(thing("NetworkOperation", "watch")), "NetworkOperation 'watch': Python that runs within a step"),
        (network(thing("SpatialNeuron", "cable")), "SpatialNeuron 'cable': a neuron of compartments"),
        (network(thing("Astrocyte", "a")), "Astrocyte 'a': jaxsnn has no counterpart"),
        (network(thing("NeuronGroup", "G", active=False)), "it is not active"),
        (network(thing("NeuronGroup", "G", when="end")), "it runs in slot 'end'"),
        (network(thing("NeuronGroup", "G", contained_objects=[REGULAR], events={}, N=1)), "v += 1*mV"),
        (
            network(thing("NeuronGroup", "G", contained_objects=[SET_BY_PLACE], events={}, N=4)),
            "reads 'i', the place in",
        ),
        (network(thing("NeuronGroup", "G", events={"spike": "v > 1", "burst": "v > 2"})), "the event 'burst'"),
        (network(thing("StateMonitor", "M")), "nothing but monitors"),
        (3, "expected a Brian2 Network"),
    ],
)
def test_the_reader_refuses(given, says):
    with pytest.raises(ValueError) as caught:
        describe_brian2(given)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "parts", "says"),
    [
        ("q", [(0, 2)], "of some neurons"),
        ("q", [(0, 2), (0, 2), (2, 4)], "or of some twice"),
        ("z", [(0, 4)], "sets 'z', which is no parameter"),
    ],
)
def test_what_is_set_in_every_step_is_set_for_all_neurons(name, parts, says):
    with pytest.raises(ValueError, match=says):
        put("G", 4, [line()], [Regular(name, "1", *part, f"{name} = 1") for part in parts])


def test_another_file_is_named(tmp_path):
    path = Path(tmp_path) / "x.npz"
    np.savez(path, a=np.zeros(3))
    with pytest.raises(ValueError, match="no file of a description"):
        opened(path)
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match="damaged or not a file of a description"):
        from_brian2(path)
    cut = copy.deepcopy(description("gap"))
    del cut["synapses"]["S"]["post"]
    with pytest.raises(ValueError, match="that describe_brian2 did not make, or that was changed since: KeyError"):
        from_brian2(cut)
    with pytest.raises(ValueError, match="version 7"):
        from_brian2({"version": 7})


def test_all_names_that_nobody_defines_are_named_at_once():
    """And what to do about them. Control: one that the caller defines is not among them."""

    class Group:
        variables = types.MappingProxyType({"v": None})

        def resolve_all(self, names, namespace):
            (name,) = names
            if name not in namespace:
                raise KeyError(name)
            return {name: types.SimpleNamespace(get_value=lambda: namespace[name], dim=Dimension())}

    class Dimension:
        def get_dimension(self, name):
            return 0.0

    with pytest.raises(ValueError, match="cells: 'C', 'gL' are not defined where from_brian2 was called"):
        outside("cells", Group(), {"v", "C", "gL", "Vt"}, {"Vt": 1.0})
    with pytest.raises(ValueError, match=r"'C' is not .*namespace=\{'C': \.\.\.\}\), or namespace=vars\(module\)"):
        outside("cells", Group(), {"v", "C", "Vt"}, {"Vt": 1.0})
    assert {*outside("cells", Group(), {"v", "C"}, {"C": 1.0})} == {"C"}
