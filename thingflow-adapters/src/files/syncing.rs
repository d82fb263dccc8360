//! [`Syncing`]: bringing what has been written to the disk, at times, on a thread of its own.

use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use thingflow_core::{Context, Instant};

/// Syncs a file at most once in a while. A sync may take long, on a memory card seconds: the reactor never waits for one
/// but at the end.
#[derive(Debug)]
pub(crate) struct Syncing {
    every: Duration,
    /// When what has been written is to be synced; `None` if all is.
    due: Option<Instant>,
    worker: Option<Worker>,
}

#[derive(Debug)]
struct Worker {
    files: SyncSender<File>,
    failed: Arc<Mutex<Option<io::Error>>>,
    thread: JoinHandle<()>,
}

impl Syncing {
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, due: None, worker: None }
    }

    /// After a write, and when woken: asks for a sync if one is due, and to be woken for the next.
    pub(crate) fn written(&mut self, file: &File, wrote: bool, cx: &mut Context<'_>) -> io::Result<()> {
        if let Some(error) = self.worker.as_ref().and_then(Worker::failure) {
            return Err(error);
        }
        if wrote && self.due.is_none() {
            self.due = Some(cx.now() + self.every);
        }
        if self.due.is_some_and(|due| due <= cx.now()) {
            let worker = match &mut self.worker {
                Some(worker) => worker,
                none => none.insert(Worker::start()?),
            };
            // While the last one has not ended it is too early for the next.
            self.due = if worker.ask(file.try_clone()?) { None } else { Some(cx.now() + self.every) };
        }
        if let Some(due) = self.due {
            cx.wake_at(due);
        }
        Ok(())
    }

    /// Syncs for the last time, here and now.
    pub(crate) fn finish(&mut self, file: &File) -> io::Result<()> {
        self.due = None;
        let earlier = self.worker.take().map_or(Ok(()), Worker::end);
        earlier.and_then(|()| file.sync_data())
    }
}

impl Worker {
    fn start() -> io::Result<Self> {
        let (files, asked) = sync_channel(1);
        let failed = Arc::new(Mutex::new(None));
        let shared = failed.clone();
        let work = move || work(&asked, &shared);
        Ok(Self { files, failed, thread: Builder::new().name("file sync".into()).spawn(work)? })
    }

    /// Whether it will.
    fn ask(&self, file: File) -> bool {
        // A thread that is gone has left its error.
        !matches!(self.files.try_send(file), Err(TrySendError::Full(_)))
    }

    fn failure(&self) -> Option<io::Error> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn end(self) -> io::Result<()> {
        let Self { files, failed, thread } = self;
        drop(files);
        let ended = thread.join().map_err(|_| io::Error::other("the thread that syncs has panicked"));
        ended.and_then(|()| failed.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err))
    }
}

fn work(asked: &Receiver<File>, failed: &Mutex<Option<io::Error>>) {
    for file in asked {
        if let Err(error) = file.sync_data() {
            *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;

    /// A file that cannot be synced says when it was tried.
    fn unsyncable() -> File {
        OpenOptions::new().write(true).open("/dev/null").expect("every system has it")
    }

    #[test]
    fn f57_a_sync_that_fails_is_an_error_of_the_next_write() {
        let (file, cx) = (unsyncable(), &mut Context::detached(Instant::ZERO));
        let mut syncing = Syncing::new(Duration::ZERO);
        syncing.written(&file, true, cx).expect("it is only asked for");
        let tried = syncing.worker.take().expect("a thread").end();
        assert_eq!(tried.expect_err("it has no disk").kind(), io::ErrorKind::InvalidInput);
        assert!(Syncing::new(Duration::MAX).finish(&file).is_err(), "and at the end");
    }

    #[test]
    fn nothing_is_synced_before_it_is_due() {
        let (file, cx) = (unsyncable(), &mut Context::detached(Instant::ZERO));
        let mut syncing = Syncing::new(Duration::from_secs(5));
        syncing.written(&file, true, cx).expect("not yet");
        let due = syncing.due;
        assert_eq!(due, Some(Instant::ZERO + Duration::from_secs(5)));
        let later = &mut Context::detached(Instant::ZERO + Duration::from_secs(4));
        syncing.written(&file, true, later).expect("not yet");
        assert_eq!((syncing.due, syncing.worker.is_none()), (due, true));
        let late = &mut Context::detached(Instant::ZERO + Duration::from_secs(5));
        syncing.written(&file, false, late).expect("asked for");
        assert_eq!((syncing.due, syncing.worker.is_some()), (None, true));
    }
}
