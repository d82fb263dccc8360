//! `new`: a copy of `template/` under a name of its own, which depends on the `thingflow` of this folder.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::name::Name;
use crate::{Result, process};

const USAGE: &str =
    "usage: cargo xtask new FOLDER, for example ../my-flow; the folder's name becomes that of the program";

/// The program's name in the template.
const TEMPLATE: &str = "my-flow";

const FILES: [&str; 4] = [".gitignore", "Cargo.toml", "my-flow.service", "src/main.rs"];

pub(crate) fn run(words: &[String]) -> Result {
    let [folder] = words else { return Err(USAGE.into()) };
    if folder.starts_with('-') {
        return Err(USAGE.into());
    }
    copy(Path::new(folder))?;
    println!("{folder} is there; now: cd {folder} && cargo run");
    Ok(())
}

fn copy(folder: &Path) -> Result {
    let name = folder.file_name().ok_or(USAGE)?.to_str().ok_or("invalid name: it is not UTF-8")?;
    let name = Name::new(name)?;
    fs::create_dir_all(folder.parent().unwrap_or(Path::new("")))?;
    fs::create_dir(folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    let library = between(&folder.canonicalize()?, &process::root().join("thingflow").canonicalize()?);
    let library = library.to_str().ok_or("cannot write the path of this folder into a manifest: it is not UTF-8")?;
    for file in FILES {
        let text = fs::read_to_string(process::root().join("template").join(file))?;
        let text = text.replace(TEMPLATE, name.as_str()).replace("\"../thingflow\"", &format!("{library:?}"));
        let path = folder.join(file.replace(TEMPLATE, name.as_str()));
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, text)?;
    }
    Ok(())
}

/// The way from one folder to another; both are absolute and contain no link.
fn between(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::HOSTILE;

    #[test]
    fn f80_a_copy_of_the_template_works_from_a_clone_alone() {
        let folder = tempfile::tempdir().unwrap();
        let copied = folder.path().join("green-house");
        copy(&copied).unwrap();
        fs::copy(process::root().join("Cargo.lock"), copied.join("Cargo.lock")).unwrap(); // nothing is fetched for it
        let mut cargo = process::cargo("test --offline --quiet");
        cargo.current_dir(&copied).env("CARGO_TARGET_DIR", process::target_folder().join("template"));
        process::run(&mut cargo).unwrap();

        let service = fs::read_to_string(copied.join("green-house.service")).unwrap();
        assert!(
            service.contains("\nExecStart=/usr/local/bin/green-house\n") && !service.contains(TEMPLATE),
            "{service}"
        );
        assert!(copy(&copied).unwrap_err().to_string().starts_with("cannot create "), "it is there already");
    }

    #[test]
    fn f80_git_takes_the_whole_copy_and_nothing_that_is_built() {
        let folder = tempfile::tempdir().unwrap();
        let copied = folder.path().join("green-house");
        copy(&copied).unwrap();
        fs::create_dir(copied.join("target")).unwrap();
        fs::write(copied.join("target/green-house"), "built").unwrap();
        let git = |words: &str| {
            let git = std::process::Command::new("git").args(words.split(' ')).current_dir(&copied).output().unwrap();
            String::from_utf8(git.stdout).unwrap()
        };
        git("init --quiet");
        let files = git("ls-files --others --exclude-standard");
        assert_eq!(files, ".gitignore\nCargo.toml\ngreen-house.service\nsrc/main.rs\n");
    }

    /// Programs of newcomers that do not compile, and what the compiler says to them.
    const WRONG: [(&str, &str, &str); 3] = [
        (
            "pin",
            "Port::<f64>::new().map(|lux| lux * 2.0).connect(pin_out(\"lamp\", SimulatedPin::new()));",
            "expected `f64`, found `bool`",
        ),
        (
            "period",
            "let _ = Scheduler::new()?.schedule_periodic(from_iter([1]).for_each(drop), 60)?;",
            "a period has a unit: `Duration::from_secs(60)`",
        ),
        (
            "borrows",
            "from_iter([\"1\"]).try_map_with(ErrorPolicy::skip(), str::parse::<u8>).collect_now();",
            "consider wrapping the function in a closure",
        ),
    ];

    #[test]
    fn f86_what_does_not_compile_says_how_to_mend_it() {
        let folder = tempfile::tempdir().unwrap();
        let copied = folder.path().join("wrong");
        copy(&copied).unwrap();
        fs::copy(process::root().join("Cargo.lock"), copied.join("Cargo.lock")).unwrap();
        fs::create_dir(copied.join("src/bin")).unwrap();
        for (name, line, _) in WRONG {
            let uses = "use thingflow::adapters::gpio::{SimulatedPin, pin_out};\nuse thingflow::prelude::*;\n";
            let program =
                format!("{uses}fn main() -> Result<(), Box<dyn std::error::Error>> {{\n    {line}\n    Ok(())\n}}\n");
            fs::write(copied.join(format!("src/bin/{name}.rs")), program).unwrap();
        }
        let mut cargo = process::cargo("build --offline --keep-going --bins");
        cargo.current_dir(&copied).env("CARGO_TARGET_DIR", process::target_folder().join("template"));
        let said = String::from_utf8_lossy(&cargo.output().unwrap().stderr).into_owned();
        for (name, _, help) in WRONG {
            assert!(said.contains(&format!("src/bin/{name}.rs:")) && said.contains(help), "{name}: {said}");
        }
    }

    #[test]
    fn f41_a_hostile_name_makes_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            HOSTILE.iter().filter(|name| !name.is_empty() && !name.contains(['/', '\0']) && !name.starts_with('.'))
        {
            let error = copy(&folder.path().join(name)).expect_err(name).to_string();
            assert!(error.starts_with("invalid name \""), "{error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_way_between_folders() {
        assert_eq!(between(Path::new("/a/b/c"), Path::new("/a/d/e")), Path::new("../../d/e"));
        assert_eq!(between(Path::new("/a"), Path::new("/a/e")), Path::new("e"));
    }
}
