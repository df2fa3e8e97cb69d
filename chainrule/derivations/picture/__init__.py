"""The picture of the forward and the backward pass, as SVG."""

from __future__ import annotations

from chainrule.derivations.picture.chain import draw_chain
from chainrule.derivations.picture.drawing import Canvas, document
from chainrule.derivations.picture.flow import Chain, Flow, chain_of, flow_of
from chainrule.derivations.picture.graph import draw_graph
from chainrule.derivations.picture.lettering import PictureNotation, plain
from chainrule.derivations.steps import Passes


def svg_of(passes: Passes, embedded: bool = False) -> str:
    """The picture of both passes; ``embedded`` takes the colours of what surrounds it.

    Raises
    ------
    MissingPackage
        If the passes are no plain chain and the library that lays out graphs is not installed.
    """
    flow = flow_of(passes)
    notation = PictureNotation(
        passes.sizes, [item.name for item in passes.quantities if not item.shape]
    )
    canvas = Canvas()
    chain = chain_of(flow)
    if chain is not None:
        draw_chain(canvas, chain, passes, notation)
    else:
        draw_graph(canvas, flow, notation)
    extent = canvas.extent()
    canvas.legend(extent.left, extent.bottom + 24, max(extent.right - extent.left, 420))
    names = ", ".join(step.bottom for step in passes.targets)
    title = f"Forward and backward pass from {passes.result} to {names}"
    return document(canvas, title, _description(flow, chain, notation), not embedded)


def _description(flow: Flow, chain: Chain | None, notation: PictureNotation) -> str:
    """Both passes in words."""
    shape = "A chain of layers" if chain else "A graph of quantities"
    forward = [
        f"{item.name} = {plain(notation(item.definition))}"
        for item in flow.computed
        if item.definition is not None
    ]
    backward = [
        f"∂{link.target}/∂{link.source} ({link.kind})" for link in reversed(flow.links) if link.kind
    ]
    return f"{shape}. Forward: {'; '.join(forward)}. Backward: {'; '.join(backward)}."
