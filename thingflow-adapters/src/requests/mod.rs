//! What all who are asked by HTTP have in common: headers, who may come in, and what is answered.
#![cfg_attr(not(all(feature = "webhook", feature = "websocket")), allow(dead_code))] // each adapter uses a part of it

mod access;
mod answer;
mod headers;

pub(crate) use access::{Access, Guard};
pub(crate) use answer::Answer;
pub(crate) use headers::Headers;
