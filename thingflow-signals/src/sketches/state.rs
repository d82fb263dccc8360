//! The state of a sketch: its bytes, shown to a walk eight at a time.

use thingflow_core::{SavedItems, StateVisitor};

/// Shows the bytes; what has been put in their place, if that is something else.
pub(super) fn bytes(name: &'static str, known: &[u8], state: &mut dyn StateVisitor) -> Option<Vec<u8>> {
    let mut length = known.len() as u64;
    state.integer(name, &mut length);
    let mut words = known.chunks(8);
    let mut restored = Vec::with_capacity(known.len());
    let mut items = SavedItems::of(name, known.len().div_ceil(8), state);
    while items.another(state) {
        let mut bytes = [0; 8];
        words.next().into_iter().for_each(|word| bytes[..word.len()].copy_from_slice(word));
        let mut word = u64::from_le_bytes(bytes);
        state.integer(name, &mut word);
        restored.extend(word.to_le_bytes());
    }
    restored.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    (restored != known).then_some(restored)
}
