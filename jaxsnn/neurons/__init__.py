"""Neurons: state-transition functions of one cell. One family a file; the choices that tell simulators apart in one."""
