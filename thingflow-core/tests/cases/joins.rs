//! Cases of joins.
