"""The style sheet of a derivation's page: light and dark, wide and narrow, on paper.

Where a factor leads is told by a word, by the kind of line, and by one of the colours of Okabe and
Ito, "Color Universal Design" (2008), that stand out from both white and black.
"""

from __future__ import annotations

COLOURS = {"forward": "#009E73", "layer": "#D55E00", "parameter": "#0072B2"}
"""Bluish green, vermilion and blue; ``cost`` has the text's own colour."""
DARK_COLOURS = "--cr-layer: #E69F00; --cr-parameter: #56B4E9;"
DARK = f":root {{ {DARK_COLOURS} }}"
"""Orange and sky blue stand out better where the background is known to be dark."""

FRAGMENT = """
.chainrule { line-height: 1.45; font-size: 1rem; max-width: 62rem; overflow-wrap: break-word; }
.chainrule :is(h2, h3) { font-size: 1.15em; margin: 1.6em 0 .5em; line-height: 1.3; }
.chainrule p { margin: .5em 0; }
.chainrule math { font-size: 1.08em; font-family: "Latin Modern Math", "STIX Two Math",
  "Cambria Math", "Noto Sans Math", "DejaVu Math TeX Gyre", math, serif; }
.chainrule mrow.paren { border: solid currentColor; border-width: 0 1.2px;
  border-radius: .45em / 50%; padding: 0 .22em; margin: 0 .1em; }
.chainrule mrow.paren > mo:is(:first-child, :last-child) { font-size: 0; }
.chainrule .top { position: relative; top: .2em; }
.chainrule msubsup > .top { top: 0; }
.chainrule :is(.b, .r) { font-family: "STIX Two Text", Cambria, Georgia, serif; }
.chainrule .b { font-weight: bold; }
.chainrule .scroll { overflow-x: auto; max-width: 100%; padding: .25em 0; }
.chainrule .whole { white-space: nowrap; }
.chainrule table.steps { border-collapse: collapse; width: 100%; margin: 0; font-size: inherit;
  table-layout: fixed; }
.chainrule table.steps :is(td, th) {
  text-align: left; padding: .4em .9em .4em 0; vertical-align: middle; background: none;
  border: 0; border-top: 1px solid rgb(128 128 128 / .35); }
.chainrule table.steps th { font-weight: normal; font-size: .85em; border-top: 0; opacity: .75; }
.chainrule table.steps th:first-child { width: 46%; }
.chainrule table.steps th:nth-child(3) { width: 21%; }
.chainrule table.steps th:nth-child(4) { width: 13%; }
.chainrule table.steps :is(td, th) { overflow-wrap: normal; }
.chainrule .scroll > math { margin-block: .2em; }
.chainrule summary { cursor: pointer; margin: 1em 0; }
.chainrule .check { white-space: nowrap; font-variant-numeric: tabular-nums; }
.chainrule .failed { font-weight: bold; white-space: normal;
  outline: 2px solid #D55E00; outline-offset: -1px; }
.chainrule .target { display: grid; grid-template-columns: max-content minmax(0, 1fr);
  gap: .35em .4em; align-items: baseline; margin: 1em 0 1.6em; }
.chainrule .target > .right { grid-column: 2; min-width: 0; }
.chainrule .chain { display: flex; flex-wrap: wrap; gap: .6em .7em; align-items: baseline; }
.chainrule .factor { display: inline-flex; flex-direction: column; align-items: center;
  max-width: 100%; }
.chainrule .factor > .scroll { padding: .1em .15em .3em; }
.chainrule .factor .below { text-align: center; font-size: .8em; line-height: 1.35;
  align-self: stretch; padding-top: .2em; border-top: 2px solid currentColor; }
.chainrule .factor.layer .below { border-top: 3px dashed var(--cr-layer, #D55E00); }
.chainrule .factor.parameter .below { border-top: 3px dotted var(--cr-parameter, #0072B2); }
.chainrule .below span { display: block; }
.chainrule .aside { font-size: .9em; opacity: .85; }
.chainrule table.matrix { border-collapse: separate; border-spacing: 0; width: auto; margin: 0;
  border: solid currentColor; border-width: 0 1.5px; border-radius: .4em; font-size: .95em;
  display: inline-table; vertical-align: middle; }
.chainrule table.matrix td { text-align: right; padding: .1em .6em; border: 0; background: none;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.chainrule table tbody tr:nth-child(n) { background: none; }
.chainrule .slices { display: flex; flex-wrap: wrap; gap: .8em 1.6em; }
.chainrule .slice { display: flex; align-items: center; gap: .3em; max-width: 100%;
  overflow-x: auto; }
.chainrule figure { margin: .5em 0; }
.chainrule figcaption { font-size: .9em; opacity: .85; }
.chainrule .picture { overflow-x: auto; }
.chainrule .picture svg { display: block; }
.chainrule .notes { font-size: .9em; border-top: 1px solid rgb(128 128 128 / .35);
  margin-top: 1.5em; padding-top: .5em; }
@media screen and (max-width: 52rem) {
  .chainrule table.steps, .chainrule table.steps tbody { display: block; }
  .chainrule table.steps thead { display: none; }
  .chainrule table.steps tr { display: flex; flex-wrap: wrap; column-gap: 1em; padding: .4em 0;
    border-top: 1px solid rgb(128 128 128 / .35); }
  .chainrule table.steps td { border: 0; padding: 0; font-size: .9em; }
  .chainrule table.steps td.formula { flex: 0 0 100%; width: auto; font-size: 1em; }
  .chainrule table.steps td:empty { display: none; }
  .chainrule .target { grid-template-columns: minmax(0, 1fr); }
  .chainrule .target > .right { grid-column: 1; padding-left: .8em; }
}
@media print {
  .chainrule { max-width: none; font-size: 10pt; }
  .chainrule .scroll, .chainrule .picture { overflow: visible; }
  .chainrule .picture svg { max-width: 100%; height: auto; }
  .chainrule :is(h2, h3) { break-after: avoid; }
  .chainrule table.steps { font-size: 9.5pt; }
  .chainrule :is(tr, .target, .factor, figure) { break-inside: avoid; }
}
""".strip()
NOTEBOOK = f"[data-jp-theme-light=false] .chainrule {{ {DARK_COLOURS} }}"
"""JupyterLab says so where its own theme is dark, whatever the system prefers."""


PAGE = f"""
:root {{ color-scheme: light dark; }}
body {{ margin: 0; padding: 1.2rem clamp(.8rem, 3vw, 2.5rem) 3rem; background: #fff; color: #1a1a1a;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans",
  sans-serif; }}
body > .chainrule {{ margin: 0 auto; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .4em; font-weight: 600; }}
@media (prefers-color-scheme: dark) {{
  {DARK} body {{ background: #161616; color: #e8e8e8; }} }}
@media print {{ body {{ background: #fff; color: #000; padding: 0; }} }}
""".strip()
