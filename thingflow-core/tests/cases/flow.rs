//! Cases of flow control.
