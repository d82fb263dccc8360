//! Files that come into a folder, each once.
#![cfg(feature = "folder")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use thingflow_adapters::folder::{self, Watch};
use thingflow_core::prelude::*;
use thingflow_core::testing::Recorder;

type Done = Result<(), Box<dyn std::error::Error>>;

/// Looks at a folder after each of these changes.
fn names_after(
    watch: Watch,
    changes: &[&dyn Fn() -> std::io::Result<()>],
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let seen = Recorder::new();
    watch.port().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_on_main_event_loop(watch)?;
    let mut look = || -> Result<(), RunError> {
        loop {
            let before = seen.events().len();
            scheduler.run_for(Duration::from_secs(1))?; // virtual ones
            if seen.events().len() == before {
                return Ok(());
            }
        }
    };
    look()?;
    for change in changes {
        change()?;
        look()?;
    }
    Ok(seen.events())
}

#[test]
fn sz42_names_are_sorted_at_first_and_each_comes_once() -> Done {
    let dir = tempfile::tempdir()?;
    let at = |name: &str| dir.path().join(name);
    for name in ["b", "a", "c"] {
        fs::write(at(name), "")?;
    }
    fs::create_dir(at("inner"))?;
    let seen = names_after(
        folder::watch(dir.path()),
        &[
            &|| fs::write(at("d"), "1"),
            &|| fs::write(at("d"), "2"),
            &|| fs::create_dir(at("later")),
            &|| fs::rename(at("d"), at("e")),
            &|| fs::remove_file(at("a")),
            &|| fs::write(at("a"), "again"),
        ],
    )?;
    assert_eq!(seen, ["a", "b", "c", "d", "e", "a"]);
    Ok(())
}

#[test]
fn sz42_a_file_counts_when_its_writer_has_closed_it_and_a_pattern_leaves_out_the_rest() -> Done {
    let dir = tempfile::tempdir()?;
    let watch = folder::watch(dir.path()).matching(|name| !name.ends_with(".part"));
    let open = std::cell::RefCell::new(None);
    let seen = names_after(
        watch,
        &[
            &|| {
                open.replace(Some(fs::File::create(dir.path().join("slow"))?));
                Ok(())
            },
            &|| fs::write(dir.path().join("x.part"), ""),
            &|| fs::rename(dir.path().join("x.part"), dir.path().join("x")),
            &|| {
                open.take();
                Ok(())
            },
        ],
    )?;
    assert_eq!(seen, ["x", "slow"]);
    Ok(())
}

#[test]
fn more_at_once_than_the_kernel_counts() -> Done {
    let most: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?.trim().parse()?;
    let dir = tempfile::tempdir()?;
    let touch = |name: String| fs::write(dir.path().join(name), "");
    let seen = names_after(
        folder::watch(dir.path()),
        &[&|| (0..most.min(20_000) + 100).try_for_each(|n| touch(n.to_string()))],
    )?;
    assert_eq!(seen.len(), most.min(20_000) + 100);
    Ok(())
}

#[test]
fn a_folder_that_goes_away_or_is_not_there_is_named() -> Done {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("inbox");
    fs::create_dir(&path)?;
    let (watch, seen) = (folder::watch(&path), Recorder::new());
    watch.port().connect(seen.clone());
    let mut scheduler = Scheduler::virtual_time()?;
    scheduler.schedule_on_main_event_loop(watch)?;
    scheduler.run_for(Duration::from_secs(1))?;
    fs::remove_dir(&path)?;
    let _ = scheduler.run_for(Duration::from_secs(1));
    assert!(seen.error().is_some_and(|error| error.contains("has gone")), "{:?}", seen.error());
    let refused =
        scheduler.schedule_on_main_event_loop(folder::watch(Path::new("/no/such"))).err().ok_or("a refusal")?;
    assert!(format!("{refused:?}").contains("create it"), "{refused:?}");
    Ok(())
}

#[test]
fn a_folder_that_goes_before_the_run_is_named() -> Done {
    let dir = tempfile::tempdir()?;
    let path = dir.path().to_owned();
    let (watch, seen) = (folder::watch(&path), Recorder::new());
    watch.port().map(|path| path.display().to_string()).connect(seen.clone());
    let mut scheduler = Scheduler::new()?;
    scheduler.schedule_on_main_event_loop(watch)?;
    drop(dir);
    scheduler.run_forever()?;
    let error = seen.error().ok_or("an error")?;
    assert!(error.starts_with(&format!("cannot read the folder {}: ", path.display())), "{error}");
    Ok(())
}
