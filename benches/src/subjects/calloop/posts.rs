//! A sync channel as an event source.

use std::io;
use std::ops::ControlFlow;

use calloop::EventLoop;
use calloop::channel::{self, SyncSender, sync_channel};

use crate::event::Event;
use crate::posting::{Inbox, Poster};

/// The loop's end.
pub struct Channel(channel::Channel<Event>);

/// The way into a [`Channel`].
#[derive(Clone)]
pub struct ChannelPoster(SyncSender<Event>);

impl Inbox for Channel {
    type Poster = ChannelPoster;

    fn open(capacity: usize) -> io::Result<(Self, ChannelPoster)> {
        let (sender, channel) = sync_channel(capacity);
        Ok((Self(channel), ChannelPoster(sender)))
    }

    fn run(self, mut each: impl FnMut(Event) -> ControlFlow<()> + 'static) -> io::Result<()> {
        let mut events: EventLoop<'_, ()> = EventLoop::try_new().map_err(io::Error::other)?;
        let signal = events.get_signal();
        let handle = move |event, (): &mut (), (): &mut ()| {
            if let channel::Event::Msg(event) = event
                && each(event).is_break()
            {
                signal.stop();
            }
        };
        events.handle().insert_source(self.0, handle).map_err(|error| io::Error::other(error.error))?;
        events.run(None, &mut (), |()| {}).map_err(io::Error::other)
    }
}

impl Poster for ChannelPoster {
    fn post(&mut self, event: Event) {
        // After the end nobody is there to receive, and nothing depends on it.
        let _ = self.0.send(event);
    }
}
