//! Tables over the pure REST layer.
