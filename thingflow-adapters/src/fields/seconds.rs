//! [`Seconds`]: a time as seconds since 1970.

use std::fmt::{self, Display};
use std::str::FromStr;

use thingflow_core::Timestamp;

/// A time as seconds with as many decimals as it needs.
pub(crate) struct Seconds(pub(crate) Timestamp);

const NANOS: u64 = 1_000_000_000;

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let sign = if nanos < 0 { "-" } else { "" };
        let (secs, rest) = (nanos.unsigned_abs() / NANOS, nanos.unsigned_abs() % NANOS);
        if rest == 0 {
            return write!(f, "{sign}{secs}");
        }
        let (mut decimals, mut width) = (rest, 9);
        while decimals % 10 == 0 {
            (decimals, width) = (decimals / 10, width - 1);
        }
        write!(f, "{sign}{secs}.{decimals:0width$}")
    }
}

impl FromStr for Seconds {
    type Err = &'static str;

    /// Decimals beyond the ninth are ignored.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        const NUMBER: &str = "seconds since 1970, such as 1420110060.5";
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (secs, decimals) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(secs) || !all_digits(decimals) {
            return Err(NUMBER);
        }
        let nanos = format!("{decimals:0<9.9}").parse::<i128>().map_err(|_| NUMBER)?;
        let secs = secs.parse::<u64>().map_err(|_| "a time between the years 1677 and 2262")?;
        let nanos = i128::from(secs) * i128::from(NANOS) + nanos;
        let nanos = i64::try_from(if negative { -nanos } else { nanos });
        Ok(Self(Timestamp::from_nanos(nanos.map_err(|_| "a time between the years 1677 and 2262")?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seconds_in_all_forms() {
        let nanos = |text: &str| text.parse::<Seconds>().map(|Seconds(t)| t.as_nanos());
        assert_eq!(nanos("0"), Ok(0));
        assert_eq!(nanos("-0.001"), Ok(-1_000_000));
        assert_eq!(nanos("1.0000000019"), Ok(1_000_000_001));
        for wrong in ["", "-", ".", "1.", ".5", "+1", "1.-5", "1,5", "1 5", "٣", "1e9"] {
            assert!(nanos(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn every_time_comes_back(nanos: i64) {
            let Seconds(back) = Seconds(Timestamp::from_nanos(nanos)).to_string().parse().unwrap();
            prop_assert_eq!(back.as_nanos(), nanos);
        }

        #[test]
        fn never_panics(text in "[-0-9.e]{0,30}|.*") {
            let _ = text.parse::<Seconds>();
        }
    }
}
