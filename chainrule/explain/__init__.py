"""How a derivative comes about: derivations, formulas, and a check of gradients made by hand."""
