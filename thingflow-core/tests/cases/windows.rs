//! Cases of windows.
