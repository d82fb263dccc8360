//! The end of validity of an X.509 certificate: the one field that TLS does not tell (RFC 5280, 4.1.2.5).

use thingflow_core::Timestamp;

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Until when a certificate is valid. None if it is no certificate, or has no end.
pub(super) fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    if rest.first() == Some(&0xa0) {
        rest = skip(rest)?; // version
    }
    for _ in 0..3 {
        rest = skip(rest)?; // serial number, algorithm, issuer
    }
    let (validity, _) = element(rest, SEQUENCE)?;
    let end = skip(validity)?;
    let tag = *end.first()?;
    let (text, _) = element(end, tag)?;
    time(tag, std::str::from_utf8(text).ok()?)
}

/// The content of the first element, which has this tag, and what follows.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if first != tag {
        return None;
    }
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let size = usize::from(length & 0x7f);
        let digits = rest.get(..size).filter(|digits| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), &rest[size..])
    };
    Some((rest.get(..length)?, rest.get(length..)?))
}

fn skip(bytes: &[u8]) -> Option<&[u8]> {
    element(bytes, *bytes.first()?).map(|(_, rest)| rest)
}

/// `YYMMDDhhmmssZ`, of 1950 to 2049, or `YYYYMMDDhhmmssZ`.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z').filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    let full = match (tag, text.len()) {
        (UTC_TIME, 12) => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        (GENERALIZED_TIME, 14) => text.to_owned(),
        _ => return None,
    };
    let part = |range: std::ops::Range<usize>| &full[range];
    let (year, month, day) = (part(0..4), part(4..6), part(6..8));
    format!("{year}-{month}-{day}T{}:{}:{}Z", part(8..10), part(10..12), part(12..14)).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_kinds_are_read() {
        for (tag, text, expected) in [
            (UTC_TIME, "260102030405Z", Some("2026-01-02T03:04:05Z")),
            (UTC_TIME, "490101000000Z", Some("2049-01-01T00:00:00Z")),
            (UTC_TIME, "700101000000Z", Some("1970-01-01T00:00:00Z")),
            (GENERALIZED_TIME, "20550101000000Z", Some("2055-01-01T00:00:00Z")),
            (UTC_TIME, "2601020304Z", None),
            (UTC_TIME, "26010203040aZ", None),
            (GENERALIZED_TIME, "20551301000000Z", None),
        ] {
            assert_eq!(time(tag, text), expected.map(|text| text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn no_bytes_are_taken_for_a_certificate() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x84, 255, 255, 255, 255], &[0x30, 0xff], &[0x30, 2, 0x30, 9]] {
            assert_eq!(not_after(bytes), None);
        }
    }
}
