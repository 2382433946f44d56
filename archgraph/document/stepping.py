"""What makes a block recurrent: the states that it declares, and the scan of a record that applies it step by step."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from archgraph.diagnostics import Rejected, nearest
from archgraph.document import form
from archgraph.graph import Parameter, Ref, Scan, State

if TYPE_CHECKING:
    from archgraph.document.parse import Parser


def read_states(
    parser: "Parser",
    value: Mapping[str, Any],
    inputs: tuple[str, ...],
    outputs: Mapping[str, Ref],
    params: Mapping[str, Parameter],
    pointer: str,
) -> tuple[dict[str, State], dict[str, Ref]]:
    """The states of a block, and what each is after a step."""
    states: dict[str, State] = {}
    after: dict[str, Ref] = {}
    for name, item in parser.mapping(value.get("states", {}), f"{pointer}/states").items():
        place = f"{pointer}/states/{name}"
        if inputs and name not in inputs:
            complaint = f"{name!r} is not an input of the block; its inputs: {', '.join(inputs)}"
            parser.report(Rejected("AG401", complaint, hint=nearest(name, inputs)), place)
        elif name in outputs:
            complaint = f"{name!r} is an output of the block already; a state is read under its own name too"
            parser.report(Rejected("AG210", complaint, hint="rename the output, or leave it out"), place)
        made = _state(parser, item, place)
        if made is not None:
            states[name], after[name] = made
            parser.formulas(states[name].shape, f"{place}/shape", params, inputs, "the block")
    return states, after


def _state(parser: "Parser", value: Any, pointer: str) -> tuple[State, Ref] | None:
    if isinstance(value, str):
        text = parser.value(form.REF, value, pointer)
        return None if text is None else (State(), form.ref(text))
    made = parser.record(form.StateForm, value, pointer, open=True)
    return None if made is None else (State(made.shape, made.dtype), form.ref(made.next))


def read_scan(parser: "Parser", control: Mapping[str, Any], pointer: str) -> Scan | None:
    """How a block is applied step by step; None when it is not, or when that is faulty."""
    if "scan" not in control:
        return None
    if "repeat" in control:
        complaint = "a record has either 'repeat' (copies with weights of their own) or 'scan' (steps of one copy)"
        hint = "to stack scans, put one into a block and repeat that"
        parser.report(Rejected("AG210", complaint, hint=hint), f"{pointer}/scan")
    value = control["scan"]
    if isinstance(value, Mapping):
        made = parser.record(form.ScanForm, value, f"{pointer}/scan", open=True)
        return None if made is None else Scan(_names(made.over), made.reverse, made.return_sequences)
    over = parser.value(form.OVER, value, f"{pointer}/scan")
    return None if over is None else Scan(_names(over))


def _names(over: Any) -> tuple[str, ...]:
    return (over,) if isinstance(over, str) else tuple(over)
