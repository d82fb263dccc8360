//! adapters of ThingFlow.
