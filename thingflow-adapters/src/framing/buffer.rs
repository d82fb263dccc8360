//! [`Buffer`]: what has been read and not been taken yet.

/// Bytes that come in at the back and are taken from the front.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    taken: usize,
}

impl Buffer {
    /// Appends what has been read.
    pub fn extend(&mut self, bytes: &[u8]) {
        // What has been taken is given up when it is the larger part, so each byte moves once at most.
        if self.taken * 2 >= self.bytes.len() {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// What is there.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Takes bytes from the front; of more than there are, all.
    pub fn take(&mut self, n: usize) -> &[u8] {
        let from = self.taken;
        self.taken = self.taken.saturating_add(n).min(self.bytes.len());
        &self.bytes[from..self.taken]
    }

    /// How many bytes are there.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.taken
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
