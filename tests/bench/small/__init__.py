"""Small datasets, drawn and sampled, and what becomes of them on the way to int8."""
