//! Flow control against a naive model.
