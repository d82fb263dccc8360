//! [`FlashRing`]: records in flash, the oldest of which makes room.

use core::fmt;
use core::ops::Range;

use embedded_storage::nor_flash::{MultiwriteNorFlash, NorFlash};
use sequential_storage::cache::{Cache, Uncached};
use sequential_storage::queue::{QueueConfig, QueueStorage};

use crate::blocking::{Blocking, now};
use crate::error::FlashError;

/// The pages are looked at anew each time: a few words of RAM are worth more here than the reads.
type NoCache = Cache<Uncached, Uncached, Uncached>;

/// Records of up to `N` bytes in a range of flash, oldest first.
///
/// A record that [`push`](Self::push) has taken is there after a reset or a power cut. One whose push was cut is there whole or
/// not at all. When the range is full the oldest page makes room, with all its records: so at least the range but for two
/// pages holds the latest ones. Pages are used in turn, and each is erased once in a round: with pages of 4 KiB, and ten
/// records of 40 bytes a minute, 64 KiB of flash that bears 10,000 erasures lasts for some 20 years.
///
/// What has been delivered is [acknowledged](Self::acknowledge), and is not read again. After a power cut between delivery and
/// acknowledgement it comes once more: so a record should have a time or a number of its own.
///
/// ```
/// # use embedded_storage::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};
/// # struct Flash([u8; 8192]);
/// # impl ErrorType for Flash {
/// #     type Error = core::convert::Infallible;
/// # }
/// # impl ReadNorFlash for Flash {
/// #     const READ_SIZE: usize = 1;
/// #     fn read(&mut self, at: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
/// #         bytes.copy_from_slice(&self.0[at as usize..][..bytes.len()]);
/// #         Ok(())
/// #     }
/// #     fn capacity(&self) -> usize {
/// #         self.0.len()
/// #     }
/// # }
/// # impl NorFlash for Flash {
/// #     const WRITE_SIZE: usize = 4;
/// #     const ERASE_SIZE: usize = 4096;
/// #     fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
/// #         self.0[from as usize..to as usize].fill(0xff);
/// #         Ok(())
/// #     }
/// #     fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), Self::Error> {
/// #         self.0[at as usize..].iter_mut().zip(bytes).for_each(|(cell, byte)| *cell &= byte);
/// #         Ok(())
/// #     }
/// # }
/// # impl MultiwriteNorFlash for Flash {}
/// # let flash = Flash([0xff; 8192]); // here: that of your chip's HAL
/// use thingflow_flash::FlashRing;
/// let mut ring = FlashRing::<_, 64>::open(flash, 0..8192)?;
/// ring.push(b"21.5 degrees")?;
/// ring.push(b"21.6 degrees")?;
/// while let Some(record) = ring.oldest()? {
///     assert!(record.ends_with(b"degrees")); // here: send it
///     ring.acknowledge()?;
/// }
/// # Ok::<(), thingflow_flash::FlashError<core::convert::Infallible>>(())
/// ```
///
/// Flash blocks while it writes, some 0.1 ms for a record, and while it erases a page, some 50 ms: consult the data sheet.
pub struct FlashRing<F: NorFlash, const N: usize> {
    queue: QueueStorage<Blocking<F>, NoCache>,
    buffer: [u8; N],
}

impl<F: NorFlash, const N: usize> FlashRing<F, N> {
    /// The ring in a range of addresses. Nothing is read yet; what a power cut has left is repaired with the first access.
    ///
    /// # Errors
    /// [`FlashError::Range`].
    pub fn open(flash: F, range: Range<u32>) -> Result<Self, FlashError<F::Error>> {
        let pages = (range.end.saturating_sub(range.start) as usize) / F::ERASE_SIZE;
        if pages < 2 || range.end as usize > flash.capacity() {
            return Err(FlashError::Range);
        }
        let config = QueueConfig::try_new(range).map_err(|_| FlashError::Range)?;
        Ok(Self { queue: QueueStorage::new(Blocking(flash), config, Cache::new_uncached()), buffer: [0; N] })
    }

    /// Keeps a record; if there is no room the oldest make it.
    ///
    /// # Errors
    /// [`FlashError::TooLarge`], [`FlashError::Flash`], [`FlashError::Corrupted`].
    pub fn push(&mut self, record: &[u8]) -> Result<(), FlashError<F::Error>> {
        if record.len() > N {
            return Err(FlashError::TooLarge);
        }
        Ok(now(self.queue.push(record, true))?)
    }

    /// Keeps the record that `encode` writes into the ring's buffer: `None` if it does not fit.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_with(&mut self, encode: impl FnOnce(&mut [u8]) -> Option<usize>) -> Result<(), FlashError<F::Error>> {
        let length = encode(&mut self.buffer).ok_or(FlashError::TooLarge)?;
        let record = self.buffer.get(..length).ok_or(FlashError::TooLarge)?;
        Ok(now(self.queue.push(record, true))?)
    }

    /// The oldest record, which stays.
    ///
    /// # Errors
    /// [`FlashError::TooLarge`] if a ring with a larger `N` has written it; [`FlashError::Flash`], [`FlashError::Corrupted`].
    pub fn oldest(&mut self) -> Result<Option<&[u8]>, FlashError<F::Error>> {
        Ok(now(self.queue.peek(&mut self.buffer))?.map(|record| &*record))
    }

    /// Hands all records to `see`, the oldest first. They stay.
    ///
    /// # Errors
    /// As [`oldest`](Self::oldest).
    pub fn for_each(&mut self, mut see: impl FnMut(&[u8])) -> Result<(), FlashError<F::Error>> {
        let mut records = now(self.queue.iter())?;
        while let Some(record) = now(records.next(&mut self.buffer))? {
            see(&record);
        }
        Ok(())
    }

    /// Erases all records, and whatever else is in the range.
    ///
    /// # Errors
    /// [`FlashError::Flash`].
    pub fn erase(&mut self) -> Result<(), FlashError<F::Error>> {
        Ok(now(self.queue.erase_all())?)
    }

    /// Gives the flash back.
    pub fn into_flash(self) -> F {
        self.queue.destroy().0.0
    }
}

impl<F: MultiwriteNorFlash, const N: usize> FlashRing<F, N> {
    /// The oldest record has been delivered: it is not read again. False if there is none.
    ///
    /// Only for flash whose words can be written twice, since the record is marked where it is.
    ///
    /// # Errors
    /// As [`oldest`](Self::oldest).
    pub fn acknowledge(&mut self) -> Result<bool, FlashError<F::Error>> {
        Ok(now(self.queue.pop(&mut self.buffer))?.is_some())
    }
}

impl<F: NorFlash, const N: usize> fmt::Debug for FlashRing<F, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashRing").field("range", &self.queue.flash_range()).finish_non_exhaustive()
    }
}
