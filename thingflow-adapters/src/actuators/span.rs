//! [`Span`]: the values that a device takes, and what becomes of others.

use std::ops::RangeInclusive;

use super::ActuatorError;

/// The values that a device takes, and what becomes of others.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    from: f64,
    to: f64,
    unit: &'static str,
    refuses: bool,
}

impl Span {
    pub(super) fn new(range: RangeInclusive<f64>, unit: &'static str) -> Self {
        Self { from: *range.start(), to: *range.end(), unit, refuses: false }
    }

    pub(super) fn refuse(&mut self) {
        self.refuses = true;
    }

    /// Narrows the span.
    #[track_caller]
    pub(super) fn narrow(&mut self, range: &RangeInclusive<f64>) {
        let (from, to, unit) = (self.from, self.to, self.unit);
        let within = from <= *range.start() && range.start() <= range.end() && *range.end() <= to;
        assert!(within, "limits of the {unit} lie within {from} and {to}, unlike {range:?}");
        (self.from, self.to) = (*range.start(), *range.end());
    }

    #[track_caller]
    pub(super) fn assert_holds(&self, value: f64) {
        let Self { from, to, unit, .. } = self;
        assert!((*from..=*to).contains(&value), "the {unit} is from {from} to {to}, unlike {value}");
    }

    /// The value to be used: the nearest there is, or an error if such values are refused. What is no number is always
    /// refused.
    pub(super) fn admit<E>(&self, value: f64) -> Result<f64, ActuatorError<E>> {
        let Self { from, to, unit, refuses } = *self;
        if value.is_nan() || refuses && !(from..=to).contains(&value) {
            return Err(ActuatorError::Refused { value, from, to, unit });
        }
        Ok(value.clamp(from, to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clamps_or_refuses() {
        let mut span = Span::new(0.0..=180.0, "angle");
        assert_eq!(span.admit::<()>(200.0), Ok(180.0));
        assert_eq!(span.admit::<()>(f64::NEG_INFINITY), Ok(0.0));
        assert!(span.admit::<()>(f64::NAN).is_err());
        span.refuse();
        assert_eq!(span.admit::<()>(180.0), Ok(180.0));
        let error = span.admit::<()>(200.0).unwrap_err().to_string();
        assert_eq!(error, "it was told angle 200 and takes 0 to 180");
    }

    #[test]
    #[should_panic(expected = "limits of the duty lie within 0 and 1, unlike 0.5..=2.0")]
    fn limits_outside_are_refused() {
        Span::new(0.0..=1.0, "duty").narrow(&(0.5..=2.0));
    }
}
