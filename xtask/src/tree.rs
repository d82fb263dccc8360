//! The repository's files as data, so that a rule can be tried on a few strings.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

/// Folders without files of ours, by name or by path.
const SKIPPED: [&str; 3] = ["target", ".git", "docs/book"];

/// A text file: its path from the root, with `/` between the parts, and what it holds.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(crate) fn is_markdown(&self) -> bool {
        self.path.ends_with(".md")
    }

    /// The last part of the path without its ending: `map` for `thingflow-core/src/filters/map.rs`.
    pub(crate) fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.split('.').next().unwrap_or_default()
    }
}

/// All text files in the order of their paths, and the paths of everything there is.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
    paths: BTreeSet<String>,
}

impl Tree {
    pub(crate) fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, folder: &str) -> io::Result<()> {
        for entry in fs::read_dir(root.join(folder))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if SKIPPED.contains(&name.as_str()) || SKIPPED.contains(&path.as_str()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                self.read_folder(root, &path)?;
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                self.files.push(File { path: path.clone(), text });
            }
            self.paths.insert(path);
        }
        Ok(())
    }

    pub(crate) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file or a folder of this path.
    pub(crate) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }

    /// A tree of these paths and texts, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File { path: path.into(), text: text.into() };
        let paths = files.iter().flat_map(|(path, _)| {
            let folders = path.match_indices('/').map(|(end, _)| path[..end].to_string());
            folders.chain([(*path).to_string()])
        });
        Self { files: files.iter().map(file).collect(), paths: paths.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_knows_files_and_folders() {
        let tree = Tree::of(&[("docs/src/intro.md", "# Intro")]);
        assert!(tree.has("docs/src/intro.md") && tree.has("docs/src") && tree.has("docs") && tree.has(""));
        assert!(!tree.has("docs/src/outro.md"));
        assert_eq!(tree.get("docs/src/intro.md").map(File::stem), Some("intro"));
    }
}
