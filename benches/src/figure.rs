//! One measured number, and the limit that it has to keep if it is ours.

use serde_json::{Value, json};

/// The name of our own subject.
pub const OURS: &str = "thingflow";

/// A limit, from the project's goals or from what the peers measured.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// The value has to be this or less.
    AtMost(f64),
    /// The value has to be this or more.
    AtLeast(f64),
}

impl Bound {
    /// The limit as a number.
    pub fn limit(self) -> f64 {
        match self {
            Self::AtMost(limit) | Self::AtLeast(limit) => limit,
        }
    }

    /// Whether the value keeps the limit.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
        }
    }
}

/// One measured number.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The group it belongs to.
    pub group: &'static str,
    /// What was measured.
    pub name: String,
    /// On which program.
    pub subject: &'static str,
    /// The number, unless it could not be measured.
    pub value: Option<f64>,
    /// The unit of the number.
    pub unit: &'static str,
    /// The limit, for our own subject.
    pub bound: Option<Bound>,
}

impl Figure {
    /// Whether the limit is kept; none if there is no limit or no number.
    pub fn holds(&self) -> Option<bool> {
        Some(self.bound?.holds(self.value?))
    }

    /// As one object.
    pub fn to_json(&self) -> Value {
        json!({
            "group": self.group,
            "name": self.name,
            "subject": self.subject,
            "value": self.value,
            "unit": self.unit,
            "bound": self.bound.map(Bound::limit),
            "holds": self.holds(),
        })
    }
}
