//! [`Register`]: a word by which the processor talks to a device.

/// A register of a device, by its address.
pub struct Register(usize);

impl Register {
    /// The register at `address`.
    ///
    /// # Safety
    /// There must be a register of 32 bits, which may be read and written at any time without harm to memory.
    pub const unsafe fn at(address: usize) -> Self {
        Self(address)
    }

    pub fn read(&self) -> u32 {
        // SAFETY: who made it has said that there is a register.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    pub fn write(&self, value: u32) {
        // SAFETY: as in `read`.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}
