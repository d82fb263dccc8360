//! Asks the host outside the emulated board, over the serial console, to do something or to look something up.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// One question at a time.
static LINE: Mutex<()> = Mutex::new(());

/// Prints the question and reads the answer, one line each.
pub(crate) fn ask(question: &str) -> io::Result<String> {
    let _turn = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    println!("HOST: {question}");
    io::stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    let answer = answer.trim();
    if answer.is_empty() || answer.starts_with("error") {
        return Err(io::Error::other(format!("the host answers `{answer}` to `{question}`")));
    }
    Ok(answer.to_owned())
}
