//! [`Headers`]: the headers of a request or an answer.

/// Headers as they were sent: names in any case, values in any bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers(pub(crate) Vec<(String, Vec<u8>)>);

impl Headers {
    /// Those that have been read.
    pub(crate) fn of(read: &[httparse::Header<'_>]) -> Self {
        Self(read.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect())
    }

    /// All headers of this name, whatever its case.
    pub(crate) fn all<'r, 'n>(&'r self, name: &'n str) -> impl Iterator<Item = &'r [u8]> + use<'r, 'n> {
        self.0.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The one header of this name; `None` if there are several.
    pub(crate) fn only(&self, name: &str) -> Option<&[u8]> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }

    /// Whether a header, which may be a list, or be there several times, holds this word.
    pub(crate) fn says(&self, name: &str, word: &str) -> bool {
        let mut words = self.all(name).flat_map(|value| value.split(|byte| *byte == b','));
        words.any(|other| other.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }
}
