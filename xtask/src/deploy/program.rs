//! [`Program`]: what is deployed, an example or a program of one's own, as cargo describes it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Asked;
use super::unit::SAFE_LINES;
use crate::cross::{self, Linked, Target};
use crate::name::Name;
use crate::{Result, process};

/// With this feature a program tells systemd that it is up and well.
const SYSTEMD: &str = "systemd";

/// The kind of board that runs what this machine runs.
pub(super) const THIS: &str = "this";

/// One binary of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    /// The binary's, and so the service's.
    pub(super) name: Name,
    pub(super) description: String,
    /// Those that it is built with.
    pub(super) features: Vec<String>,
    pub(super) version: String,
    /// The levels that lines are to have when it has gone, `GPIO17=low`; `safe-lines` of `[package.metadata.thingflow]`.
    pub(super) safe_lines: Vec<String>,
    /// Where its Cargo.toml lies.
    pub(super) folder: PathBuf,
    /// Where its Cargo.lock lies, if it has one.
    pub(super) workspace: PathBuf,
}

impl Program {
    /// The one that is asked for, with its feature `systemd` if it has that.
    pub(super) fn asked(asked: &Asked) -> Result<Self> {
        let manifest = asked.folder.join("Cargo.toml");
        let folder = asked.folder.canonicalize().ok().filter(|_| manifest.is_file()).ok_or_else(|| {
            let shown = manifest.display();
            format!("there is no {shown}: --example wants a folder's name of examples/, --path the folder of a program")
        })?;
        let known = metadata(&folder)?;
        let package = package(&folder, &known)?;
        let name = Name::new(&binary(&folder, package, asked.bin.as_deref())?)?;
        let mut program = Self {
            description: package["description"].as_str().unwrap_or(name.as_str()).to_owned(),
            features: asked.features.clone(),
            version: text(&package["version"]),
            workspace: text(&known["workspace_root"]).into(),
            safe_lines: safe_lines(&package["metadata"]["thingflow"]["safe-lines"])?,
            name,
            folder,
        };
        if !program.notifies() && package["features"].get(SYSTEMD).is_some() {
            program.features.push(SYSTEMD.into());
        }
        Ok(program)
    }

    /// Whether it tells systemd that it is up and well.
    pub(super) fn notifies(&self) -> bool {
        self.features.iter().any(|feature| feature == SYSTEMD)
    }

    /// What is about to be installed, to be found on the board later.
    pub(super) fn note(&self) -> String {
        let mut git = process::command("git", "describe --always --dirty=-changed --exclude=*");
        let commit = git.current_dir(&self.folder).output().ok().filter(|output| output.status.success());
        let commit =
            commit.map_or("unknown".into(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        let with = if self.features.is_empty() { "none".into() } else { self.features.join(",") };
        format!("{} {}, commit {commit}, features {with}", self.name, self.version)
    }

    /// Builds it for this kind of board; returns where it lies.
    pub(super) fn build(&self, kind: &str) -> Result<PathBuf> {
        if kind != THIS {
            cross::setup(&[Target::named(kind)?])?;
        }
        let (mut cargo, built) = self.building(kind)?;
        process::run(&mut cargo)?;
        Ok(built)
    }

    /// The command that sets lines to their safe levels, to be built as a program is.
    pub(super) fn safe_lines_command() -> Result<Self> {
        let root = process::root().canonicalize()?;
        Ok(Self {
            name: Name::new(SAFE_LINES)?,
            description: String::new(),
            features: vec!["gpiocdev".to_owned()],
            version: String::new(),
            safe_lines: Vec::new(),
            folder: root.join("thingflow-adapters"),
            workspace: root,
        })
    }

    /// The command that builds it for this kind of board, and where that puts it.
    pub(super) fn building(&self, kind: &str) -> Result<(Command, PathBuf)> {
        // The examples share what other chores have built. What is not of this workspace has a place of its own.
        let is_ours = process::root().canonicalize().is_ok_and(|root| root == self.workspace);
        let own = process::target_folder().join("own").join(kind);
        let (mut cargo, target, built) = if kind == THIS {
            let target = if is_ours { process::target_folder() } else { own };
            (process::cargo("build --release"), target, "release".to_owned())
        } else {
            let board = Target::named(kind)?;
            let target = if is_ours { cross::folder(board, Linked::Dynamically).into() } else { own };
            let cargo = process::script("cross-cargo", &format!("{kind} build --release"));
            (cargo, target, format!("{}/release", board.triple()))
        };
        if self.workspace.join("Cargo.lock").exists() {
            cargo.arg("--locked");
        }
        cargo.arg("--manifest-path").arg(self.folder.join("Cargo.toml")).args(["--bin", self.name.as_str()]);
        if !self.features.is_empty() {
            cargo.arg(format!("--features={}", self.features.join(",")));
        }
        // In its folder, so that a `.cargo/config.toml` there is heeded.
        cargo.current_dir(&self.folder).env("CARGO_TARGET_DIR", &target);
        Ok((cargo, target.join(built).join(self.name.as_str())))
    }
}

/// What cargo knows of the workspace that this folder belongs to.
fn metadata(folder: &Path) -> Result<Value> {
    let mut cargo = process::cargo("metadata --no-deps --format-version 1");
    let output = cargo.current_dir(folder).output().map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("cargo cannot read {}: {said}", folder.join("Cargo.toml").display()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The package of this folder itself, of those in its workspace.
fn package<'a>(folder: &Path, known: &'a Value) -> Result<&'a Value> {
    let manifest = folder.join("Cargo.toml");
    let of = |package: &Value| PathBuf::from(text(&package["manifest_path"]));
    if let Some(package) = items(&known["packages"]).find(|package| of(package) == manifest) {
        return Ok(package);
    }
    let programs = items(&known["packages"]).filter(|package| !binaries(package).is_empty());
    let folders = programs.filter_map(|package| Some(of(package).parent()?.display().to_string()));
    let folders = folders.collect::<Vec<_>>().join(", ");
    let shown = manifest.display();
    Err(format!("{shown} is a workspace, not a program; give --path the folder of one: {folders}").into())
}

/// The name of the package's only binary, or of the one that was chosen.
fn binary(folder: &Path, package: &Value, chosen: Option<&str>) -> Result<String> {
    let names = binaries(package);
    let (shown, all) = (folder.join("Cargo.toml").display().to_string(), names.join(", "));
    match (names.as_slice(), chosen) {
        ([], _) => Err(format!("{shown} has no binary: only a program can be deployed, such as a src/main.rs").into()),
        (_, Some(chosen)) if names.iter().any(|name| name == chosen) => Ok(chosen.to_owned()),
        (_, Some(chosen)) => Err(format!("{shown} has no binary `{chosen}`; --bin may be one of: {all}").into()),
        ([name], None) => Ok(name.clone()),
        (_, None) => Err(format!("{shown} has several binaries; choose with --bin: {all}").into()),
    }
}

/// What the manifest says, if it is a list of lines with their levels. They become words of a unit, so nothing else is taken.
fn safe_lines(listed: &Value) -> Result<Vec<String>> {
    let is_plain =
        |line: &str| !line.is_empty() && line.chars().all(|c| c.is_ascii_alphanumeric() || "_-./:".contains(c));
    let is_line = |text: &&str| {
        let (line, level) = text.rsplit_once('=').unwrap_or_default();
        is_plain(line) && !line.starts_with('-') && ["low", "high"].contains(&level)
    };
    let line = |value: &Value| value.as_str().filter(is_line).map(str::to_owned);
    let lines = if listed.is_null() {
        Some(Vec::new())
    } else {
        listed.as_array().and_then(|all| all.iter().map(line).collect())
    };
    lines.ok_or_else(|| {
        let shown = listed.to_string().escape_debug().to_string();
        format!("invalid safe-lines {shown} in [package.metadata.thingflow]; give a list such as [\"GPIO17=low\"]")
            .into()
    })
}

fn binaries(package: &Value) -> Vec<String> {
    let is_binary = |target: &&Value| items(&target["kind"]).any(|kind| kind == "bin");
    items(&package["targets"]).filter(is_binary).map(|target| text(&target["name"])).collect()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
