//! Cluster-robust variances (CR1).

/// Under this many clusters, a cluster-robust variance is shaky: warn.
pub const FEW: u64 = 10;
