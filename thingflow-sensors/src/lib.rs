//! sensors of ThingFlow.
