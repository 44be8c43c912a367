//! Pure functions: effects, intervals, pooling, multiplicity.
