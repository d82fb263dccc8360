//! Topics: what may be published to, what may be subscribed to, and which filter a topic matches.

/// What is wrong with a topic to publish to.
pub(super) fn name_fault(topic: &str) -> Option<&'static str> {
    if topic.contains(['+', '#']) {
        return Some("its topic has a wildcard");
    }
    text_fault(topic)
}

/// What is wrong with a filter to subscribe to.
pub(super) fn filter_fault(filter: &str) -> Option<&'static str> {
    if filter.starts_with("$share/") && (shared(filter).is_none() || name(filter).is_empty()) {
        return Some("a shared subscription is written `$share/group/filter`");
    }
    let filter = shared(filter).unwrap_or(filter);
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains('+') && level != "+" {
            return Some("`+` stands for a whole level");
        }
        if level.contains('#') && (level != "#" || levels.peek().is_some()) {
            return Some("`#` stands alone, at the end");
        }
    }
    text_fault(filter)
}

fn text_fault(topic: &str) -> Option<&'static str> {
    match topic {
        "" => Some("its topic is empty"),
        _ if topic.len() > usize::from(u16::MAX) => Some("its topic is longer than 65535 bytes"),
        _ if topic.contains('\0') => Some("its topic has a zero"),
        _ => None,
    }
}

/// The filter of a shared subscription.
fn shared(filter: &str) -> Option<&str> {
    filter.strip_prefix("$share/")?.split_once('/').map(|(_, filter)| filter)
}

/// The group of a shared subscription.
fn name(filter: &str) -> &str {
    filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/')).map_or("", |(name, _)| name)
}

/// Whether a message to `topic` is one for `filter`.
pub(super) fn matches(filter: &str, topic: &str) -> bool {
    let filter = shared(filter).unwrap_or(filter);
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false; // the broker's own topics are asked for by name
    }
    let (mut levels, mut parts) = (filter.split('/'), topic.split('/'));
    loop {
        match (levels.next(), parts.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(level), Some(part)) if level == part => {}
            (Some(_) | None, _) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_standard_match() {
        for (filter, topic, expected) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
            ("sport/#", "sport", true),
            ("#", "a/b", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/x", false),
            ("+/monitor/Clients", "$SYS/monitor/Clients", false),
            ("$SYS/#", "$SYS/x", true),
            ("$share/g/a/+", "a/b", true),
            ("a", "A", false),
        ] {
            assert_eq!(matches(filter, topic), expected, "{filter} {topic}");
        }
    }

    #[test]
    fn what_may_not_be_a_filter_or_a_topic_is_told() {
        for filter in ["", "a+", "a/#/b", "a#", "$share/", "$share/g", "$share//a", "$share/g/", "a\0"] {
            assert!(filter_fault(filter).is_some(), "{filter}");
        }
        for filter in ["#", "+", "a/+/#", "/", "$share/g/#", "$SYS/#", "$shared"] {
            assert_eq!(filter_fault(filter), None, "{filter}");
        }
        assert!(name_fault("a/+").is_some() && name_fault("").is_some() && name_fault("/").is_none());
    }

    /// Level by level, by recursion.
    fn naive(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            ([], []) | (["#"], _) => true,
            (["+", rest @ ..], [_, parts @ ..]) => naive(rest, parts),
            ([level, rest @ ..], [part, parts @ ..]) => level == part && naive(rest, parts),
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn matching_is_that_of_a_naive_matcher(
            filter in prop::collection::vec(prop::sample::select(vec!["a", "b", "+", ""]), 1..5),
            ends_open in any::<bool>(),
            topic in prop::collection::vec(prop::sample::select(vec!["a", "b", ""]), 1..5),
        ) {
            let mut filter = filter;
            if ends_open {
                filter.push("#");
            }
            prop_assert_eq!(matches(&filter.join("/"), &topic.join("/")), naive(&filter, &topic));
        }
    }
}
