"""How derivatives come about: formulas, derivations, and checks of gradients made by hand."""
