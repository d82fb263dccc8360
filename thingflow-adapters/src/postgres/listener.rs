//! [`Listener`]: what is notified in a database.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use thingflow_core::{Backoff, EdgeOutput, Instant, Limit, Remote, ScheduleError, Scheduler, StopToken};
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client};

use super::session::{Line, connect, runtime};
use super::{Database, PostgresError};
use crate::tables::quoted;

/// Listens to a channel (`LISTEN`) on a thread of its own, and makes events of what is notified there: `NOTIFY channel, 'text'`,
/// or `pg_notify` in a trigger.
///
/// When the connection is lost, or the server does not answer any more, it is made again, with back-off. What is notified meanwhile is lost, as PostgreSQL keeps it for
/// nobody; [`Heard::Listening`] says that it listens from now on, so that a program can look at its tables then.
///
/// ```no_run
/// use thingflow_adapters::postgres::{Heard, Listener};
/// use thingflow_core::Limit;
/// use thingflow_core::prelude::*;
/// let mut scheduler = Scheduler::new()?;
/// let orders = Listener::new("postgresql://gateway@127.0.0.1/home", "orders").start(&scheduler, Limit::block(100))?;
/// orders.for_each(|heard| match heard {
///     Heard::Listening => println!("look for what came before"),
///     Heard::Notified(text) => println!("{text}"),
/// });
/// scheduler.run_forever()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a listener hears nothing until it is started"]
pub struct Listener {
    database: Database,
    channel: String,
    retry: Backoff,
    keep_alive: Duration,
}

/// What a [`Listener`] hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It listens from now on: the connection has been made, or made again.
    Listening,
    /// Somebody has notified the channel, with this text.
    Notified(String),
}

impl Listener {
    /// A listener to a channel.
    pub fn new(database: impl Into<Database>, channel: impl Into<String>) -> Self {
        let retry = Backoff::new(Duration::from_secs(1), Duration::from_secs(60)).jitter(25);
        let keep_alive = Duration::from_secs(60);
        Self { database: database.into(), channel: channel.into(), retry, keep_alive }
    }

    /// The waits before the connection is tried again.
    pub fn retry(mut self, retry: Backoff) -> Self {
        self.retry = retry;
        self
    }

    /// How long nothing may come before the server is asked whether it is there, 60 s unless told otherwise: a connection that a
    /// router has forgotten looks like one by which nobody is notified. One that does not answer within the time limit of the
    /// [`Database`] is made anew.
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        self.keep_alive = interval;
        self
    }

    /// Starts the thread. It ends with the run, or when nobody listens to the output any more.
    ///
    /// # Errors
    /// [`ScheduleError::Thread`].
    pub fn start(self, scheduler: &Scheduler, queue: Limit) -> Result<EdgeOutput<Heard>, ScheduleError> {
        scheduler.schedule_on_private_event_loop("postgres::Listener", queue, move |remote, stop| {
            self.listen(&remote, &stop)
        })
    }

    fn listen(&self, remote: &Remote<Heard>, stop: &StopToken) -> Result<(), PostgresError> {
        let (runtime, begun) = (runtime()?, std::time::Instant::now());
        let now = || Instant::ZERO + begun.elapsed();
        let mut attempts = self.retry.attempts();
        while !stop.is_stopped() {
            let heard = runtime.block_on(async {
                let (mut stopped, hear) = (pin!(stop.stopped()), self.hear(remote, || attempts.connected(now())));
                let mut hear = pin!(hear);
                poll_fn(|cx| match stopped.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Ok(())),
                    Poll::Pending => hear.as_mut().poll(cx),
                })
                .await
            });
            let Err(error) = heard else { return Ok(()) };
            log::warn!("listening to `{}`: {error}", self.channel);
            let wait = attempts.failed(now());
            stop.wait(wait);
        }
        Ok(())
    }

    fn doing(&self) -> String {
        format!("listen to {}", self.database)
    }

    fn silent(&self) -> PostgresError {
        PostgresError::Silent { doing: self.doing() }
    }

    fn failed(&self, cause: tokio_postgres::Error) -> PostgresError {
        PostgresError::Database { doing: self.doing(), cause }
    }

    /// Has a statement answered, within the time limit. The answer comes while the connection is looked at, perhaps behind
    /// something else, which is heard.
    async fn ask(
        &self,
        client: &Client,
        line: &mut Line,
        sql: &str,
        mut hear: impl FnMut(&AsyncMessage),
    ) -> Result<(), PostgresError> {
        let mut answer = pin!(client.batch_execute(sql));
        let answered = poll_fn(|cx| {
            loop {
                if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                    return Poll::Ready(answer.map_err(|cause| self.failed(cause)));
                }
                match line.poll_message(cx) {
                    Poll::Ready(Some(Ok(message))) => hear(&message),
                    Poll::Ready(Some(Err(cause))) => return Poll::Ready(Err(self.failed(cause))),
                    Poll::Ready(None) => return Poll::Ready(Err(self.silent())),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        timeout(self.database.timeout, answered).await.map_err(|_| self.silent())?
    }

    /// Listens until nobody takes what is heard, or the connection is lost.
    async fn hear(&self, remote: &Remote<Heard>, connected: impl FnOnce()) -> Result<(), PostgresError> {
        let (client, mut line) = connect(&self.database).await?;
        let listen = format!("LISTEN {}", quoted(&self.channel));
        self.ask(&client, &mut line, &listen, |_| {}).await?;
        connected();
        let mut open = remote.post(Heard::Listening).is_ok();
        while open {
            let mut hear = |heard: &AsyncMessage| {
                if let AsyncMessage::Notification(notification) = heard {
                    open &= remote.post(Heard::Notified(notification.payload().to_owned())).is_ok();
                }
            };
            match timeout(self.keep_alive, poll_fn(|cx| line.poll_message(cx))).await {
                Ok(message) => hear(&message.ok_or_else(|| self.silent())?.map_err(|cause| self.failed(cause))?),
                Err(_) => self.ask(&client, &mut line, "", hear).await?, // an empty statement is answered, too
            }
        }
        Ok(())
    }
}
