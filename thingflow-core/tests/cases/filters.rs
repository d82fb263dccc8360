//! Cases of filters.
