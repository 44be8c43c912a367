"""What `benches/compare` is made of: peers installed, data made, runs measured, page written. Python's standard library alone."""
