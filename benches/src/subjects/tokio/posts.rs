//! A bounded mpsc channel, sent into by `blocking_send`.

use std::io;
use std::ops::ControlFlow;

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::event::Event;
use crate::posting::{Inbox, Poster};

/// The receiving end.
pub struct Channel(Receiver<Event>);

/// The way into a [`Channel`].
#[derive(Clone)]
pub struct ChannelPoster(Sender<Event>);

impl Inbox for Channel {
    type Poster = ChannelPoster;

    fn open(capacity: usize) -> io::Result<(Self, ChannelPoster)> {
        let (sender, receiver) = channel(capacity);
        Ok((Self(receiver), ChannelPoster(sender)))
    }

    fn run(mut self, mut each: impl FnMut(Event) -> ControlFlow<()>) -> io::Result<()> {
        super::runtime()?.block_on(async {
            while let Some(event) = self.0.recv().await {
                if each(event).is_break() {
                    break;
                }
            }
        });
        Ok(())
    }
}

impl Poster for ChannelPoster {
    fn post(&mut self, event: Event) {
        // After the end nobody is there to receive, and nothing depends on it.
        let _ = self.0.blocking_send(event);
    }
}
