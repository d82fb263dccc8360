//! The ThingFlow book. Each chapter is a module here, so that its listings run as tests and a failure names the page.

#[doc = include_str!("introduction.md")]
pub mod introduction {}
#[doc = include_str!("tutorial.md")]
pub mod tutorial {}
#[doc = include_str!("ports.md")]
pub mod ports {}
#[doc = include_str!("scheduling.md")]
pub mod scheduling {}
#[doc = include_str!("writing-things.md")]
pub mod writing_things {}
#[doc = include_str!("errors.md")]
pub mod errors {}
#[doc = include_str!("time.md")]
pub mod time {}
#[doc = include_str!("outside.md")]
pub mod outside {}
#[doc = include_str!("elsewhere.md")]
pub mod elsewhere {}
#[doc = include_str!("filters.md")]
pub mod filters {}
#[doc = include_str!("glossary.md")]
pub mod glossary {}

/// Pages outside the book whose listings run as well.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[doc = include_str!("../../CONTRIBUTING.md")]
    mod contributing {}
    #[doc = include_str!("../../DESIGN.md")]
    mod design {}
}
