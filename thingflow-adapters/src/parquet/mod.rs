//! Parquet: files of columns, for what is to be analysed elsewhere (pandas, Polars, `DuckDB`, Arrow). See [`Writer`].

mod columns;
mod error;
mod writer;

pub use error::ParquetError;
pub use writer::Writer;
