//! Joins against a naive model.
