//! The client id of a program that names none: the same after a restart, and another one on another machine.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::{env, fs};

/// How many clients of this process have asked.
static CLIENTS: AtomicU32 = AtomicU32::new(0);

/// At most 23 letters and digits, which every broker takes: the beginning of the program's name, and a hash of the machine and
/// of the program's path. The second client of a program is told apart from the first.
pub(super) fn default_id() -> String {
    let machine = ["/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/hostname"];
    let machine = machine.iter().find_map(|path| fs::read(path).ok().filter(|id| !id.is_empty())).unwrap_or_default();
    id(&machine, &env::current_exe().unwrap_or_default(), CLIENTS.fetch_add(1, Relaxed))
}

fn id(machine: &[u8], program: &Path, nth: u32) -> String {
    let name = program.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).take(9).collect();
    let parts = [machine, program.as_os_str().as_encoded_bytes(), &nth.to_be_bytes()];
    format!("{name}{:014x}", hash(&parts) >> 8)
}

/// FNV-1a, which is the same on every machine and in every version. The id of a machine must not be shown as it is.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// A number for each client, for what is to be spread over many.
pub(super) fn seed(client_id: &str) -> u64 {
    hash(&[client_id.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a20_an_id_stays_and_differs_by_machine_program_and_client() {
        let (here, there) = (b"machine 1".as_slice(), b"machine 2".as_slice());
        let program = Path::new("/usr/bin/lux-led_and-more");
        let mine = id(here, program, 0);
        assert_eq!(mine, id(here, program, 0));
        assert!(mine.len() <= 23 && mine.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{mine}");
        assert!(mine.starts_with("luxledand"));
        let others = [id(there, program, 0), id(here, Path::new("/opt/lux-led_and-more"), 0), id(here, program, 1)];
        assert!(!others.contains(&mine));
        assert_ne!(default_id(), default_id());
    }
}
