//! One periodic sensor and nothing else.

// pub fn tick_every(period: Duration) -> Result<Infallible>
