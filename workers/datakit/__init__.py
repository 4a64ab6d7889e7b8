"""The dataset library: reads, checks, packs, edits and exports datasets, without Django."""
