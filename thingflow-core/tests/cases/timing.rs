//! Cases of operators with time.
