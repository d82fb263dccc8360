//! Links between pages lead somewhere.

use super::Problem;
use crate::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    tree.files.iter().filter(|file| file.is_markdown()).flat_map(|file| check_page(file, tree)).collect()
}

fn check_page(page: &File, tree: &Tree) -> Vec<Problem> {
    let problem = |(line, target)| {
        let (what, mend) = fault(page, target, tree)?;
        Some(Problem::at(&page.path, line, what, mend))
    };
    links(&page.text).filter_map(problem).collect()
}

/// What is wrong with a link, and how to mend it.
fn fault(page: &File, target: &str, tree: &Tree) -> Option<(String, &'static str)> {
    let target = target.split_whitespace().next()?;
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    if leads_away(path) {
        return None;
    }
    let there = if path.is_empty() { page.path.clone() } else { resolved(&page.path, path) };
    if !tree.has(&there) {
        return Some((format!("nothing is at `{path}`"), "correct the path; it counts from the folder of this page"));
    }
    let found = tree.files.iter().find(|file| file.path == there && file.is_markdown())?;
    let is_lost = !heading.is_empty() && !prose(&found.text).any(|(_, line)| anchor(line).as_deref() == Some(heading));
    is_lost.then(|| (format!("{there} has no heading `#{heading}`"), "name a heading that is there"))
}

/// Whether a target is outside of the repository, or an item of rustdoc.
fn leads_away(path: &str) -> bool {
    path.contains("://") || path.starts_with("mailto:") || path.contains("::")
}

/// The name by which links know a heading, if this line is one: small letters, hyphens for spaces, no punctuation.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

/// The lines that are in no listing, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_listing = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_listing ^= fence;
        !in_listing && !fence
    });
    lines.map(|(index, line)| (index + 1, line))
}

/// The targets of links, with their lines.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    prose(text).flat_map(|(number, line)| targets(line).map(move |target| (number, target)))
}

/// What stands in `](...)`, and after `]:` where a line defines a reference; inline code left out.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let prose = line.split('`').step_by(2);
    let inline = prose.flat_map(|part| part.split("](").skip(1).filter_map(|rest| rest.split_once(')')));
    // Link texts are often code, so the closing bracket may begin a part.
    let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline.map(|(target, _)| target).chain(defined.map(|(_, target)| target))
}

/// The target as a path from the root.
fn resolved(page: &str, target: &str) -> String {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::places;

    fn dead(page: &str) -> Vec<String> {
        places(&check(&Tree::of(&[
            ("docs/src/a.md", page),
            ("docs/src/b.md", "## The `top`, again\n"),
            ("README.md", ""),
        ])))
    }

    #[test]
    fn living_links() {
        assert!(
            dead("[b](b.md) [b](./b.md#the-top-again \"title\") [up](../../README.md) [folder](../src/)").is_empty()
        );
        assert!(dead("[far](https://example.org/x) [item](crate::Port) [mail](mailto:a@b)").is_empty());
        assert!(dead("# Here\n[here](#here) [line](../../README.md)").is_empty());
        assert!(dead("```\n[c](c.md)\n```\n`[c](c.md)`\n[b]: b.md").is_empty());
    }

    #[test]
    fn dead_links() {
        assert_eq!(dead("[b](b.md)\n[c](c.md) and [`d`](d.md)"), ["docs/src/a.md:2", "docs/src/a.md:2"]);
        assert_eq!(dead("# a\n[b](b.md#top)\n[a](#b)\n```\n# b\n```"), ["docs/src/a.md:2", "docs/src/a.md:3"]);
        assert_eq!(dead("[out](../../../README.md)\n\n[c]: c.md"), ["docs/src/a.md:1", "docs/src/a.md:3"]);
    }
}
