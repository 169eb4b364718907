"""What a step costs on accelerators, by programs compiled for devices that are not here: where the compilers are."""

import json
import subprocess

import pytest

from experiments.bench import accelerator
from experiments.bench.ahead.__main__ import counts
from experiments.bench.ahead.reading import loops
from experiments.bench.ahead.resources import in_loop
from experiments.bench.ahead.targets import TARGETS
from experiments.bench.environments import folder_of

TEXT = """
HloModule example

%added (p.0: f32[100], p.1: s32[]) -> f32[100] {
  %p.0 = f32[100]{0} parameter(0)
  %p.1 = s32[] parameter(1)
  %part = f32[10]{0} dynamic-slice(%p.0, %p.1), dynamic_slice_sizes={10}
  %twice = f32[10]{0} add(%part, %part)
  ROOT %put = f32[100]{0} dynamic-update-slice(%p.0, %twice, %p.1)
}

%inner (s: (s32[], f32[100])) -> (s32[], f32[100]) {
  %s = (s32[], f32[100]{0}) parameter(0)
  %k = s32[] get-tuple-element(%s), index=0
  %y = f32[100]{0} get-tuple-element(%s), index=1
  %whole = f32[100]{0} copy(%y)
  ROOT %out = (s32[], f32[100]{0}) tuple(%k, %whole)
}

%data (s: (s32[], f32[100])) -> pred[] {
  %s.1 = (s32[], f32[100]{0}) parameter(0)
  %k.1 = s32[] get-tuple-element(%s.1), index=0
  ROOT %more = pred[] compare(%k.1, %k.1), direction=LT
}

%body (c: (s32[], f32[100])) -> (s32[], f32[100]) {
  %c = (s32[], f32[100]{0}) parameter(0)
  %i = s32[] get-tuple-element(%c), index=0
  %x = f32[100]{0} get-tuple-element(%c), index=1
  %in_place = f32[100]{0} fusion(%x, %i), kind=kLoop, calls=%added
  %sum = f32[100]{0} all-reduce(%in_place), replica_groups={}, to_apply=%plus
  %start = (s32[], f32[100]{0}) tuple(%i, %sum)
  %loop = (s32[], f32[100]{0}) while(%start), condition=%data, body=%inner
  %z = f32[100]{0} get-tuple-element(%loop), index=1
  ROOT %next = (s32[], f32[100]{0}) tuple(%i, %z)
}

%seven (c: (s32[], f32[100])) -> pred[] {
  %c.1 = (s32[], f32[100]{0}) parameter(0)
  %i.1 = s32[] get-tuple-element(%c.1), index=0
  %n = s32[] constant(7)
  ROOT %less = pred[] compare(%i.1, %n), direction=LT
}

ENTRY %main (a: f32[100]) -> (s32[], f32[100]) {
  %a = f32[100]{0} parameter(0)
  %zero = s32[] constant(0)
  %begin = (s32[], f32[100]{0}) tuple(%zero, %a)
  ROOT %steps = (s32[], f32[100]{0}) while(%begin), condition=%seven, body=%body
}
"""


def test_a_loop_is_counted_by_hand():
    """A slice changed in place, a collective, and a copy within a loop whose turns are data: three kernels a step."""
    (kernels,) = loops(TEXT, 7)
    assert loops(TEXT, 8) == []
    found = {k.operation.name: (k.read, k.written) for k in kernels}
    assert found == {"in_place": (44.0, 40.0), "sum": (400.0, 400.0), "whole": (400.0, 400.0)}
    line = counts(kernels, 0.0, 400.0, TARGETS["h100"])
    assert (line["kernels"], line["copies"], line["collectives"]) == (3, 2, 1)
    assert line["written_MB"] == pytest.approx(840e-6) and line["moved_MB"] == pytest.approx(1684e-6)
    assert line["predicted_us"] == pytest.approx(1684 / 3.35e6 + 3 * 2.5)


def counted(target, *programs):
    """The counts of programs, or a skip where the compiler is not installed."""
    python = folder_of(target) / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no compiler for {target} here: `python -m experiments.bench accelerator --target {target}`")
    command = [python, "-m", "experiments.bench.ahead", target, *programs]
    done = subprocess.run(command, cwd=accelerator.ROOT, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def test_a_step_on_a_gpu():
    """Lists and matrices, of 64 points with graphs of their own: few kernels, no copy, and the bytes of spikes."""
    sparse, brunel = counted("h100", "sparse", "brunel")
    for line in (sparse, brunel):
        assert line["kernels"] <= 8 and line["copies"] == line["collectives"] == 0
    assert sparse["written_MB"] <= 4.0 and brunel["moved_MB"] <= 30.0


def test_learning_on_a_gpu():
    """1.6 million plastic synapses in 16 networks: the rows and columns of spikes, and no copy of the weights."""
    (line,) = counted("h100", "plasticity")
    assert line["kernels"] <= 16 and line["moved_MB"] <= 5.0 and line["copies"] == 0


def test_a_chunk_of_steps_is_one_kernel():
    """64 networks of 4 000 neurons: under one kernel a step with what surrounds it, and no spills."""
    (line,) = counted("h100", "chunk")
    assert line["kernels"] < 0.1 and line["copies"] == 0 and line["moved_MB"] < 1.1 * line["needed_MB"]
    assert line["spilled_B"] == 0 and line["blocks_a_multiprocessor"] >= 1
    assert 0 < line["barriers"] < line["instructions"] < 1500


def test_the_loop_of_a_kernel_is_found():
    """From the first label that a branch goes back to, to the last branch back; labels and remarks are nothing."""
    entry = """
	mov.u32 	%r1, 0;
$L__BB0_1:
	bar.sync 	0;
	@%p1 bra 	$L__BB0_3;
$L__BB0_2:
	// a remark
	add.s32 	%r1, %r1, 1;
	@%p2 bra 	$L__BB0_2;
	bra.uni 	$L__BB0_1;
$L__BB0_3:
	ret;
"""
    assert [line.split()[0] for line in in_loop(entry)] == ["bar.sync", "@%p1", "add.s32", "@%p2", "bra.uni"]


def test_chips_do_not_wait_for_each_other():
    """A sweep over eight chips of a TPU has no collective in its loop."""
    (line,) = counted("v5e", "sparse-sharded")
    assert line["kernels"] > 0 and line["collectives"] == 0


def test_a_table_has_a_row_a_program():
    line = dict.fromkeys(accelerator.COLUMNS, 1) | {"program": "sparse"}
    head, _, row = accelerator.table([line]).splitlines()
    assert head.startswith("| program | kernels |") and row.startswith("| sparse | 1 | 1.00 |")
