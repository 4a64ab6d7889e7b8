"""What the ingest and revise programs are made of, and exports: no Django here, as ``ruff.toml`` holds."""
