//! The ThingFlow book.
