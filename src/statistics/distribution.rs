//! Distribution functions and quantiles.
