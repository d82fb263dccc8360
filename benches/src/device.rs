//! A disk of its own for a measurement: an ext4 file system on a loop device, whose sectors the kernel counts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// Bytes of a sector in the kernel's counts.
const SECTOR: u64 = 512;

/// A mounted file system. Gone when it is dropped.
#[derive(Debug)]
pub struct Device {
    folder: tempfile::TempDir,
    name: String,
}

impl Device {
    /// Makes one of that size. Needs root and loop devices.
    pub fn new(mebibytes: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (image, mount) = (folder.path().join("image"), folder.path().join("mount"));
        File::create(&image)?.set_len(mebibytes << 20)?;
        fs::create_dir(&mount)?;
        run(Command::new("mkfs.ext4").args(["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"]).arg(&image))?;
        run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&mount))?;
        let mounts = fs::read_to_string("/proc/mounts")?;
        let place = mount.display().to_string();
        let line = mounts.lines().find(|line| line.split(' ').nth(1) == Some(&place)).ok_or("the mount is gone")?;
        let name = line.split(' ').next().and_then(|device| device.strip_prefix("/dev/")).ok_or("no device")?.into();
        Ok(Self { folder, name })
    }

    /// The root of the file system.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    /// The device's name, which the child counts by.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Bytes written to a device since it was made, after everything has reached it.
pub fn bytes_written(device: &str, root: &Path) -> Result<u64> {
    rustix::fs::syncfs(File::open(root)?)?;
    let counts = fs::read_to_string(format!("/sys/block/{device}/stat"))?;
    let sectors: u64 = counts.split_whitespace().nth(6).ok_or("no count of sectors")?.parse()?;
    Ok(sectors * SECTOR)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into()) }
}

impl Drop for Device {
    fn drop(&mut self) {
        // What stays mounted is seen in the folder's removal, which fails.
        let _ = run(Command::new("umount").arg(self.root()));
    }
}
