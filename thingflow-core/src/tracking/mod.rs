//! Events that say when the last of their holders has let go of them.
