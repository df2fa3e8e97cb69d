"""One row a primitive: its value, shape rule, local Jacobian, domain and source."""
