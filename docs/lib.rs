//! The ThingFlow book. Each chapter is a module here, so that its listings run as tests and a failure names the page.

#[doc = include_str!("src/introduction.md")]
pub mod introduction {}
#[doc = include_str!("src/tutorial.md")]
pub mod tutorial {}
#[doc = include_str!("src/tutorial-2.md")]
pub mod tutorial_2 {}
#[doc = include_str!("src/your-own.md")]
pub mod your_own {}
#[doc = include_str!("src/windows.md")]
pub mod windows {}
#[doc = include_str!("src/event-time.md")]
pub mod event_time {}
#[doc = include_str!("src/numbers.md")]
pub mod numbers {}
#[doc = include_str!("src/signals.md")]
pub mod signals {}
#[doc = include_str!("src/ports.md")]
pub mod ports {}
#[doc = include_str!("src/joins.md")]
pub mod joins {}
#[doc = include_str!("src/scheduling.md")]
pub mod scheduling {}
#[doc = include_str!("src/threads.md")]
pub mod threads {}
#[doc = include_str!("src/writing-things.md")]
pub mod writing_things {}
#[doc = include_str!("src/errors.md")]
pub mod errors {}
#[doc = include_str!("src/inspecting.md")]
pub mod inspecting {}
#[doc = include_str!("src/load.md")]
pub mod load {}
#[doc = include_str!("src/time.md")]
pub mod time {}
#[doc = include_str!("src/history.md")]
pub mod history {}
#[doc = include_str!("src/outbox.md")]
pub mod outbox {}
#[doc = include_str!("src/recording.md")]
pub mod recording {}
#[doc = include_str!("src/journal.md")]
pub mod journal {}
#[doc = include_str!("src/databases.md")]
pub mod databases {}
#[doc = include_str!("src/http.md")]
pub mod http {}
#[doc = include_str!("src/outside.md")]
pub mod outside {}
#[doc = include_str!("src/pins.md")]
pub mod pins {}
#[doc = include_str!("src/actuators.md")]
pub mod actuators {}
#[doc = include_str!("src/sensors.md")]
pub mod sensors {}
#[doc = include_str!("src/links.md")]
pub mod links {}
#[doc = include_str!("src/mqtt.md")]
pub mod mqtt {}
#[doc = include_str!("src/sockets.md")]
pub mod sockets {}
#[doc = include_str!("src/writing-adapters.md")]
pub mod writing_adapters {}
#[doc = include_str!("src/page.md")]
pub mod page {}
#[doc = include_str!("src/elsewhere.md")]
pub mod elsewhere {}
#[doc = include_str!("src/microcontrollers.md")]
pub mod microcontrollers {}
#[doc = include_str!("src/cross.md")]
pub mod cross {}
#[doc = include_str!("src/deploy.md")]
pub mod deploy {}
#[doc = include_str!("src/coming-from.md")]
pub mod coming_from {}
#[doc = include_str!("src/filters.md")]
pub mod filters {}
#[doc = include_str!("src/features.md")]
pub mod features {}
#[doc = include_str!("src/glossary.md")]
pub mod glossary {}

/// Pages outside the book whose listings run as well.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}
    #[doc = include_str!("../CONTRIBUTING.md")]
    mod contributing {}
    #[doc = include_str!("../DESIGN.md")]
    mod design {}
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn every_chapter_is_listed_and_its_listings_run() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
        let [contents, introduction] = ["SUMMARY.md", "introduction.md"]
            .map(|page| fs::read_to_string(format!("{folder}/{page}")).expect("the page is there"));
        for entry in fs::read_dir(folder).expect("the book is there") {
            let name = entry.expect("it can be read").file_name().into_string().expect("names are text");
            if name == "SUMMARY.md" || !name.ends_with(".md") {
                continue;
            }
            assert!(contents.contains(&format!("]({name})")), "{name} is not in SUMMARY.md");
            assert!(include_str!("lib.rs").contains(&format!("\"src/{name}\"")), "{name} is not in lib.rs");
            let is_listed = introduction.contains(&format!("]({name})")) || name == "introduction.md";
            assert!(is_listed, "{name} is not in introduction.md");
        }
    }
}
