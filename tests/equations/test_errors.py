"""Whatever is wrong with equations is one error that points at the character, and says what to do."""

import numpy as np
import pytest

import jaxsnn as snn
from jaxsnn.equations import EquationError, neuron

TAU = "\ntau : second"
LEAK = "dv/dt = -v/tau : volt" + TAU

# the arguments; what is said; and the text at the caret, ^ where it is behind the last character
WRONG = {
    "undefined": (dict(equations="dv/dt = -v/tua : volt" + TAU), "'tua' is not defined (did you mean 'tau'?)", "tua"),
    "undefined in a reset": (dict(equations=LEAK, threshold="v > 1*mV", reset="v = vr"), "'vr' is not defined", "vr"),
    "unit of a derivative": (dict(equations=LEAK + "\ndw/dt = v : volt"), "dw/dt is in mV/ms", "v : volt"),
    "sum": (dict(equations="dv/dt = (v + tau)/tau : volt" + TAU), "Left of this + is mV, right of it ms", "+ tau"),
    "difference over lines": (dict(equations="dv/dt = (v\n  - tau)/tau : volt" + TAU), "Left of this -", "- tau"),
    "comparison": (dict(equations=LEAK, threshold="v > 3"), "compared with mV", "3"),
    "argument": (dict(equations=LEAK + "\nx = exp(tau) : 1"), "exp() takes 1 (no unit) here; this is in ms", "tau) :"),
    "exponent": (dict(equations="dv/dt = 2**v/tau : volt" + TAU), "An exponent is a number without unit", "v/tau"),
    "powers of what has a unit": (dict(equations=LEAK + "\nx = v**n : 1\nn : 1"), "needs a number as", "v**n"),
    "reset": (dict(equations=LEAK, threshold="v > 1*mV", reset="v = 3*ms"), "v is in mV", "3*ms"),
    "refractory": (dict(equations=LEAK, threshold="v > 1*mV", refractory="3*mV"), "period is in ms", "3*mV"),
    "value": (dict(equations=LEAK, tau="20*mV"), "tau is in ms, but the value '20*mV' is in mV", "tau : second"),
    "no unit": (dict(equations="dv/dt = -v/tau" + TAU), "expected `: volt`", "^"),
    "no unit at the end": (dict(equations=LEAK + "\nx = 2*v"), "expected `: volt`", "^"),
    "empty unit": (dict(equations=LEAK + "\nx :"), "There is no unit here", "^"),
    "unknown unit": (dict(equations=LEAK + "\nx : vollt"), "'vollt' is no unit (did you mean 'volt'?)", "vollt"),
    "unit of a value": (dict(equations=LEAK, tau="20*mss"), "'mss' is no unit", "mss"),
    "twice": (dict(equations=LEAK + "\nv = tau : second"), "'v' has an equation already", "v = tau"),
    "circle": (dict(equations=LEAK + "\nx = y : 1\ny = x : 1"), "'x' contains itself", "x : 1"),
    "flag": (dict(equations=LEAK.replace("volt", "volt (unles refractory)")), "no flag (unles refractory)", "unles"),
    "flag of synapses": (dict(equations=LEAK.replace("volt", "volt (event-driven)")), "which is for synapses", "event"),
    "function": (dict(equations=LEAK + "\nx = sinn(1) : 1"), "sinn is no function", "sinn"),
    "arguments": (dict(equations=LEAK + "\nx = clip(v) : volt"), "clip() got 1 arguments, expected 3", "clip"),
    "python": (dict(equations=LEAK + "\nx = __import__('os') : 1"), "no function", "__import__"),
    "attribute": (dict(equations=LEAK + "\nx = v.real : volt"), "not part of the language", "v.real"),
    "index": (dict(equations=LEAK + "\nx = v[0] : volt"), "not part of the language", "v[0]"),
    "word": (dict(equations=LEAK + "\nx = 'v' : volt"), "is no real number", "'v'"),
    "caret": (dict(equations=LEAK + "\nx = v^2 : volt**2"), "^ is none", "^2"),
    "chain": (dict(equations=LEAK, threshold="0*mV < v < 1*mV"), "join comparisons by `and`", "0*mV"),
    "no operator": (dict(equations=LEAK + "\nx = 2 mV : volt"), "is an operator missing", "2 mV"),
    "no parenthesis": (dict(equations=LEAK + "\nx = (v : volt"), "This is no expression", "(v :"),
    "nothing": (dict(equations=LEAK + "\nx = : volt"), "There is nothing here", " : volt"),
    "deep": (dict(equations=LEAK + "\nx = " + "-" * 5000 + "v : volt"), "nested", "-"),
    "no name": (dict(equations=LEAK + "\n2x : volt"), "'2x' is no name", "2x"),
    "no equation": (dict(equations=LEAK + "\nhello world : volt"), "This is no equation", "hello"),
    "no statement": (dict(equations=LEAK, threshold="v > 1*mV", reset="v == 1*mV"), "This is no statement", "v =="),
    "no target": (dict(equations=LEAK, threshold="v > 1*mV", reset="u = 1*mV"), "'u' is no variable", "u ="),
    "no condition": (dict(equations="dv/dt = -v/tau : 1" + TAU, threshold="v"), "A threshold is a condition", "v"),
    "taken": (dict(equations=LEAK + "\nflow : 1"), "every class of equations has", "flow"),
    "no membrane": (dict(equations="dx/dt = (v - x)/tau : 1\nv : 1" + TAU), "'v' is a parameter here", "v : 1"),
    "taken by a function": (dict(equations=LEAK + "\nint : 1"), "means something in every equation", "int"),
    "random": (dict(equations="dv/dt = (rand() - v)/tau : 1" + TAU), "write noise as xi", "rand"),
    "random period": (dict(equations=LEAK, threshold="v > 1*mV", refractory="rand()*ms"), "let the reset draw", "rand"),
    "not linear": (dict(equations="dv/dt = -v**2/tau : 1" + TAU, method="exact"), "not linear in 'v'", "/tau"),
    "moving": (dict(equations="dv/dt = (sin(t/tau) - v)/tau : 1" + TAU, method="exact"), "depends on t", "/tau"),
    "zero": (dict(equations="dv/dt = -v/tau/(1 - 1) : volt" + TAU), "divides by zero", "/(1"),
    "noise times v": (dict(equations="dv/dt = v*xi/sqrt(tau) : 1" + TAU, method="euler"), "'euler' is not", "/sqrt"),
    "noise squared": (dict(equations="dv/dt = -v/tau + xi*xi : 1" + TAU), "not linear in xi", "+ xi"),
    "milstein": (
        dict(equations="dv/dt = (xi + xi_2)/sqrt(tau) : 1" + TAU, method="milstein"),
        "one noise a variable",
        "/sqrt",
    ),
}  # fmt: skip
ELSEWHERE = {
    "no text": (dict(equations=3), "Got 3 (int) for the equations, expected text"),
    "empty": (dict(equations=" # nothing\n"), "There are no equations here"),
    "reset without threshold": (dict(equations=LEAK, reset="v = 0*mV"), "but no threshold"),
    "method": (dict(equations=LEAK, method="exct"), "(did you mean 'exact'?)"),
    "method for noise": (dict(equations="dv/dt = xi/sqrt(tau) : 1" + TAU, method="rk4"), "euler, heun, milstein"),
    "unused value": (dict(equations=LEAK, tua="1*ms"), "'tua', which the equations do not have (did you mean 'tau'?)"),
    "value of a subexpression": (dict(equations=LEAK + "\nx = v : volt", x=1.0), "has none of its own"),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_points_at_the_character(name):
    arguments, says, at = WRONG[name]
    with pytest.raises(EquationError) as error:
        neuron(**arguments)
    sentence, _, *lines = str(error.value).split("\n")
    assert says in sentence and sentence.endswith((".", "?"))
    line, caret = lines[-2:]
    assert caret.strip() == "^"
    assert line[len(caret) - 1 :].startswith(at) or (at == "^" and len(line.rstrip()) == len(caret) - 1)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_has_no_character_is_said_too(name):
    arguments, says = ELSEWHERE[name]
    with pytest.raises(EquationError) as error:
        neuron(**arguments)
    assert says in str(error.value)


def test_what_is_right_is_no_error():
    """Negative control: the texts of the errors above, without the error."""
    right = LEAK.replace("volt", "volt (unless refractory)", 1) + "\nx = exp(-(t - 1*ms)/tau)*int(v > 1*mV) : 1  # ok"
    assert neuron(right, threshold="v > 1*mV and not x > 2", reset="v = 0*mV", refractory="3*ms").model.held == {"v"}


def test_values_in_other_units_are_converted():
    """By text, and as quantities of Brian2 and pint look."""

    class OfBrian2(np.ndarray):
        class dim:
            get_dimension = staticmethod(lambda name: float(name == "time"))

    class OfPint:
        dimensionality = {"[mass]": 1.0, "[length]": 2.0, "[time]": -3.0, "[current]": -1.0}  # noqa: RUF012
        magnitude = 0.002
        to_base_units = lambda self: self

    Cell = neuron(LEAK)
    tau = lambda x: float(Cell(tau=x).tau)
    assert tau("0.02*second") == tau("20 * ms") == tau(20.0) == tau(np.array(0.02).view(OfBrian2)) == 20.0
    assert float(Cell(tau=1.0, v=OfPint()).v) == 2.0
    for wrong in (OfPint(), "20*mV"):
        with pytest.raises(EquationError, match="expected a value in ms"):
            Cell(tau=wrong)
    with pytest.raises(TypeError, match="tau"):
        Cell()
    units = {"R": "Mohm", "c": "uF", "g": "siemens", "f": "Hz", "area": "um**2", "m": "mM", "i0": "nA"}
    text = LEAK + "".join(f"\n{name} : {unit}" for name, unit in units.items())
    made = neuron(text, **{name: f"1*{unit}" for name, unit in units.items()})(tau=1.0)
    assert [float(getattr(made, name)) for name in units] == pytest.approx([1e-3, 1e6, 1e9, 1e-3, 1.0, 1.0, 1e3])


def test_one_text_is_one_class():
    """A program is compiled for a class, so that a text in a loop does not compile in every turn."""
    assert neuron(LEAK, tau=1.0) is neuron(LEAK, tau=1.0) is not neuron(LEAK, tau=2.0)
    assert neuron(LEAK, tau=snn.Normal(20.0, 1.0)) and neuron(LEAK, tau=np.ones(3))


@pytest.mark.parametrize("kind", ["neuron", "rule", "release"])
def test_a_base_without_equations_is_refused(kind):
    """What a text makes is the class; the base of these classes has none."""
    base = getattr(snn.equations, f"Equation{kind.capitalize()}")
    with pytest.raises(ValueError, match=rf"Equation{kind.capitalize()} has no equations; .*snn.equations.{kind}"):
        base()


def test_an_equation_that_cannot_be_multiplied_out_has_no_split():
    with pytest.raises(snn.equations.EquationError, match=r"dx/dt is no A\*x \+ B"):
        snn.equations.neuron("dx/dt = (1 - x**2)/(10*ms) : 1", method="conditionally_linear")
    plain = snn.equations.neuron("dx/dt = (1 - x)/(10*ms) : 1", method="euler")
    with pytest.raises(ValueError, match="expected method='conditionally_linear' where the class is made"):
        plain(integrator=snn.equations.ConditionallyLinear())
