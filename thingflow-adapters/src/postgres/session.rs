//! [`Session`]: a connection whose every step has a time limit.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::{Client, Connection, Socket};

use super::{Database, PostgresError};
use crate::printable::printable;
use crate::tables::quoted;

/// A connection, with a runtime of its own that runs while something is waited for. The time limits are why this is not the
/// crate `postgres`, which has none.
pub(super) struct Session {
    pub(super) client: Client,
    runtime: Runtime,
    limit: Duration,
}

/// What a database has to say, besides answers.
#[cfg(not(feature = "postgres-tls"))]
pub(super) type Line = Connection<Socket, tokio_postgres::tls::NoTlsStream>;
/// What a database has to say, besides answers.
#[cfg(feature = "postgres-tls")]
pub(super) type Line = Connection<Socket, super::secured::Encrypted>;

/// Who waits.
pub(super) fn runtime() -> Result<Runtime, PostgresError> {
    Builder::new_current_thread().enable_all().build().map_err(PostgresError::System)
}

pub(super) async fn connect(database: &Database) -> Result<(Client, Line), PostgresError> {
    let config = database.config()?;
    let doing = || format!("connect to {database}");
    #[cfg(not(feature = "postgres-tls"))]
    let security = tokio_postgres::NoTls;
    #[cfg(feature = "postgres-tls")]
    let security = database.secured();
    let connected = timeout(database.timeout, config.connect(security)).await;
    let connected = connected.map_err(|_| PostgresError::Silent { doing: doing() })?;
    connected.map_err(|cause| PostgresError::Database { doing: doing(), cause })
}

impl Session {
    pub(super) fn open(database: &Database) -> Result<Self, PostgresError> {
        let runtime = runtime()?;
        let (client, line) = runtime.block_on(connect(database))?;
        runtime.spawn(async move {
            if let Err(error) = line.await {
                log::debug!("a connection to the database has ended: {error}");
            }
        });
        Ok(Self { client, runtime, limit: database.timeout })
    }

    /// Waits for an answer about a table, within the time limit.
    pub(super) fn wait<T>(
        &self,
        doing: &'static str,
        table: &str,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, PostgresError> {
        let answer = self.runtime.block_on(async { timeout(self.limit, answer).await });
        let doing = || format!("{doing} the table `{}`", printable(table));
        let answer = answer.map_err(|_| PostgresError::Silent { doing: doing() })?;
        answer.map_err(|cause| PostgresError::Database { doing: doing(), cause })
    }

    /// The columns of a table and their types, without lengths: to cast a text to one with a length would cut it off. None if
    /// there is no such table.
    pub(super) fn columns(&self, table: &str) -> Result<Vec<(String, String)>, PostgresError> {
        let sql = "SELECT attname::text, format_type(atttypid, -1) FROM pg_attribute \
                   WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
        let rows = self.wait("look at", table, async { self.client.query(sql, &[&quoted(table)]).await })?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("is_closed", &self.client.is_closed()).finish_non_exhaustive()
    }
}
