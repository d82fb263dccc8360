//! Links between pages lead somewhere.

use super::Problem;
use crate::tree::{File, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    tree.files.iter().filter(|file| file.is_markdown()).flat_map(|file| check_page(file, tree)).collect()
}

fn check_page(page: &File, tree: &Tree) -> Vec<Problem> {
    let is_dead = |(_, target): &(usize, &str)| !tree.has(&resolved(&page.path, target));
    let mend = "correct the path; it counts from the folder of this page";
    let problem = |(line, target)| Problem::at(&page.path, line, format!("nothing is at `{target}`"), mend);
    relative_links(&page.text).filter(is_dead).map(problem).collect()
}

/// The targets of links to files, with their lines; listings left out.
fn relative_links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_listing = false;
    let prose = text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_listing ^= fence;
        !in_listing && !fence
    });
    prose.flat_map(|(index, line)| targets(line).filter_map(move |target| Some((index + 1, file_part(target)?))))
}

/// What stands in `](...)`, and after `]:` where a line defines a reference; inline code left out.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let prose = line.split('`').step_by(2);
    let inline = prose.flat_map(|part| part.split("](").skip(1).filter_map(|rest| rest.split_once(')')));
    // Link texts are often code, so the closing bracket may begin a part.
    let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline.map(|(target, _)| target).chain(defined.map(|(_, target)| target))
}

/// The path in a target; `None` if it leads out of the repository, to a heading, or to an item of rustdoc.
fn file_part(target: &str) -> Option<&str> {
    let path = target.split_whitespace().next()?.split('#').next()?;
    let is_file = !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:") && !path.contains("::");
    is_file.then_some(path)
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
        places(&check(&Tree::of(&[("docs/src/a.md", page), ("docs/src/b.md", ""), ("README.md", "")])))
    }

    #[test]
    fn living_links() {
        assert!(dead("[b](b.md) [b](./b.md#top \"title\") [up](../../README.md) [folder](../src/)").is_empty());
        assert!(dead("[far](https://example.org/x) [here](#top) [item](crate::Port) [mail](mailto:a@b)").is_empty());
        assert!(dead("```\n[c](c.md)\n```\n`[c](c.md)`\n[b]: b.md").is_empty());
    }

    #[test]
    fn dead_links() {
        assert_eq!(dead("[b](b.md)\n[c](c.md) and [`d`](d.md)"), ["docs/src/a.md:2", "docs/src/a.md:2"]);
        assert_eq!(dead("[out](../../../README.md)\n\n[c]: c.md"), ["docs/src/a.md:1", "docs/src/a.md:3"]);
    }
}
