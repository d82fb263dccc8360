//! The first line of a file: what is done with it, and where it says that columns stand.

use ::csv::StringRecord;

/// What is to be done with the first line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Check,
    Skip,
    None,
}

/// Where in a header each column stands; `None` if one is missing, or is there twice.
pub(super) fn places(columns: &[String], header: &StringRecord) -> Option<Vec<usize>> {
    let place = |name: &String| {
        let mut found = header.iter().enumerate().filter(|(_, column)| column == name).map(|(place, _)| place);
        found.next().filter(|_| found.next().is_none())
    };
    columns.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_stands_in_one_place() {
        let find = |columns: &[&str]| {
            let columns: Vec<_> = columns.iter().copied().map(String::from).collect();
            places(&columns, &StringRecord::from(vec!["a", "b", "c", "b"]))
        };
        assert_eq!(find(&["c", "a"]), Some(vec![2, 0]));
        assert_eq!(find(&[]), Some(vec![]));
        assert_eq!(find(&["a", "b"]), None, "which of them?");
        assert_eq!(find(&["a", "d"]), None);
        assert_eq!(find(&["A"]), None);
    }
}
